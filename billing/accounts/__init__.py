"""What a tenant has with us: our picture of Stripe's objects, what follows from it, and what is written about it."""
