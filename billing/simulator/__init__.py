"""A Stripe that runs here: its routes and parameters come from the stripe package, its state lives in memory.

It knows nothing of Django and of the platform's tables, and can run as a process of its own.
"""
