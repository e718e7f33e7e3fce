"""What was used on its way to Stripe: hour by hour, before invoices, and held against Stripe's count."""
