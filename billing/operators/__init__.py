"""What operators see of billing and do with it."""
