"""How much a tenant may use, and how that is kept to the unit. Others ask `billing.entitlements`."""
