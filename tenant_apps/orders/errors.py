"""Refusals that customers and orders share."""

from tenants.errors import Conflict


class OrderInUse(Conflict):
    code = "order_in_use"
    title = "Something belongs to this order"


class ReferenceTaken(Conflict):
    code = "reference_taken"
    title = "The reference is in use"
