"""A small tenants' app whose migrations are measured: the same on our fleet and on a stock project."""
