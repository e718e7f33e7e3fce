"""What a tenant sells: categories, products and their stock."""
