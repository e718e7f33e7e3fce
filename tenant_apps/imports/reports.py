"""The rows that could not be imported, as a file that a spreadsheet opens and a person can mend."""

from collections.abc import Iterator
from typing import Final

from tenant_apps.imports.models import Import, RejectedRow
from tenants.sheets import ROWS_AT_ONCE, csv_pieces

HEADER: Final = ("line", "reason", "detail")


def rejected_csv(job: Import) -> Iterator[bytes]:
    """The file in pieces: line, reason, detail and the row's own columns. Runs inside a unit of work."""
    rows = RejectedRow.objects.filter(job=job).order_by("line").iterator(chunk_size=ROWS_AT_ONCE)
    return csv_pieces(
        [*HEADER, *job.columns], ([row.line, row.reason, row.detail, *row.fields] for row in rows)
    )


def report_name(job: Import) -> str:
    """The name under which the file is saved."""
    return f"rejected-rows-{job.pk}.csv"
