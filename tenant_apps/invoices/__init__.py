"""Documents of orders: invoices and credit notes."""
