"""What tenants use: written down, added up by the hour, and told."""
