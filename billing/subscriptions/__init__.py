"""What a tenant's people do with their subscription: verbs, and the pages and the API that call them."""
