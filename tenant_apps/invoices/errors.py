"""What can be in the way of a document."""

from tenants.errors import Conflict, Invalid


class SellerIncomplete(Conflict):
    code = "seller_incomplete"
    title = "The seller's data are not complete"


class NotInvoiceable(Conflict):
    code = "not_invoiceable"
    title = "The order cannot be invoiced now"


class AlreadyInvoiced(Conflict):
    code = "already_invoiced"
    title = "The order has an invoice"


class NotCreditable(Conflict):
    code = "not_creditable"
    title = "The document cannot be credited"


class CreditTooHigh(Invalid):
    code = "credit_too_high"
    title = "More than was invoiced"


class FileNotReady(Conflict):
    code = "file_not_ready"
    title = "The PDF is not ready"
