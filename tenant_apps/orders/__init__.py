"""Who buys and what was sold: customers, orders and their lines."""
