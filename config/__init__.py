"""Wiring. Nothing imports it."""
