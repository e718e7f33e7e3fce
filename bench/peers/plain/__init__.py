"""Our own product list without tenancy: what the walls cost is measured against it."""
