"""Bringing a shop's history in: files of order lines become products, customers, orders and cancellations."""
