"""Goods that left for orders, and goods that came back."""
