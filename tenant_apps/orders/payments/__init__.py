"""Money that came in for orders, and money that went back."""
