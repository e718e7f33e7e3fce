"""A django-tenants project as a usual team writes it, after the documentation of its libraries."""
