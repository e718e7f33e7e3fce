"""Each report as a table of lines: what CSV files hold, and what stands under the charts."""

from collections.abc import Iterator
from typing import Any

from tenant_apps.reports.figures import Buyer, Cohort, Sales, SalesReport, Shelf, SoldProduct

Table = tuple[list[str], Iterator[list[Any]]]
SALES = ["orders", "gross", "credits", "refunded", "tax", "net", "average"]


def sales_table(report: SalesReport) -> Table:
    """A line for each period, with the period that it is compared with beside it."""
    compared = [f"{name}_before" for name in SALES] if report.compared_with else []
    lines = (
        [period.start, *_of(period.sales), *(_of(period.before or Sales()) if compared else [])]
        for period in report.periods
    )
    return ["start", *SALES, *compared], lines


def products_table(products: list[SoldProduct]) -> Table:
    header = ["rank", "sku", "name", "units", "amount", "share"]
    return header, ([getattr(each, name) for name in header] for each in products)


def customers_table(customers: list[Buyer]) -> Table:
    header = ["rank", "name", "orders", "amount", "cumulative"]
    return header, ([getattr(each, name) for name in header] for each in customers)


def cohorts_table(cohorts: list[Cohort]) -> Table:
    """A line for each cohort, a column for each month since its first order."""
    most = max((len(cohort.later) for cohort in cohorts), default=0)
    header = ["month", "customers", *(f"month_{later}" for later in range(1, most))]
    return header, ([cohort.month, *cohort.later] for cohort in cohorts)


def stock_table(shelves: list[Shelf]) -> Table:
    header = ["name", "products", "units", "at_price", "at_cost", "without_cost"]
    return ["category", *header[1:]], ([getattr(shelf, name) for name in header] for shelf in shelves)


def _of(sales: Sales) -> list[Any]:
    return [getattr(sales, name) for name in SALES]
