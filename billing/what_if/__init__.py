"""The what-if calculator: a tenant's own months by the prices of every plan."""
