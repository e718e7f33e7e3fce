"""What the product list is measured beside: a usual django-tenants project, and our own view without tenancy."""
