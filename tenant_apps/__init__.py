"""The business of the tenants: tables that live in each tenant's schema and nowhere else."""
