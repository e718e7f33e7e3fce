"""The platform's account at Stripe, the only way to it: calls, events, meters."""
