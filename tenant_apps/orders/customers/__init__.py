"""Who buys from a tenant."""
