"""Refusals that customers and orders share."""

from tenants.errors import Conflict


class ReferenceTaken(Conflict):
    code = "reference_taken"
    title = "The reference is in use"
