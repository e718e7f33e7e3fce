"""Money has its own door: what tenants use, and what their plan allows. Public tables only."""
