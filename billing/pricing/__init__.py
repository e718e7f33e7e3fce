"""What quantities come to: periods, tiers and amounts. It knows of no tenant's limits and of no Stripe."""
