"""Pages of imports: upload, columns, live progress, and what could not be used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from django.db.models import Count
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRefresh

from tenant_apps.imports import services
from tenant_apps.imports.columns import LABELS
from tenant_apps.imports.forms import MappingForm, UploadForm
from tenant_apps.imports.models import Import, ImportedRecord, RejectedRow
from tenant_apps.imports.reports import rejected_csv, report_name
from tenant_apps.imports.rows import Reason
from tenants.audit.actors import actor_of
from tenants.context import current_tenant, stream_in
from tenants.listing import Listing
from tenants.navigation import Command, Entry, register, register_command
from tenants.portal import PortalRequest, attempt, done, portal, posted, show, show_form, tried

SHOWN: Final = 20

register_command(Command("Import a file", "imports:new", "imports:write", order=60))
register(Entry("Imports", "upload", "imports:list", "imports:read", key="i", order=50, prefix="/imports/"))


class ImportListing(Listing[Import]):
    """Imports, the newest first."""

    noun = ("import", "imports")


class RejectedListing(Listing[RejectedRow]):
    """Rejected rows in the order of the file."""

    noun = ("row", "rows")
    sorts = {"line": "line"}
    default_sort = "line"


@portal("imports:read")
@require_GET
def import_list(request: PortalRequest) -> HttpResponse:
    """The imports so far."""
    jobs = Import.objects.defer("columns", "sample", "mapping", "options")
    return render(request, "imports/list.html", {"listing": ImportListing(request, jobs)})


@portal("imports:write")
@require_http_methods(["GET", "POST"])
def import_new(request: PortalRequest) -> HttpResponse:
    """Take a file in, to be looked at before it is imported."""
    form = UploadForm(posted(request), request.FILES or None)
    if form.is_valid():
        file = form.cleaned_data["file"]
        job = attempt(
            form,
            lambda: services.upload_import(
                actor=actor_of(request), file=file, name=file.name, kind=form.cleaned_data["kind"]
            ),
        )
        if job:
            return redirect(_url(job))
    return show_form(request, "imports/new.html", {"form": form})


@portal("imports:read")
@require_GET
def import_detail(request: PortalRequest, pk: UUID) -> HttpResponse:
    """One import: its columns before the start, its progress while it runs, its outcome after that."""
    job = get_object_or_404(Import, pk=pk)
    if request.htmx and not job.is_active:
        # What polls the progress is shown the outcome, which is another page.
        return HttpResponseClientRefresh()
    context = _context(job)
    if job.is_configurable:
        context["form"] = MappingForm(None, job=job)
    return show(request, "imports/detail.html", context, part="imports/progress.html")


def _context(job: Import) -> dict[str, Any]:
    context: dict[str, Any] = {"job": job, "missing": [LABELS.get(name, "Dates") for name in job.missing]}
    if job.is_of_records and (job.rehearsed_at or not job.is_configurable):
        shown = job.records.exclude(outcome=ImportedRecord.Outcome.SAME)
        context["records"] = list(shown[:SHOWN])
    if job.rehearsed_at or not (job.is_configurable or job.is_active):
        context |= {"reasons": _reasons(job), "rejected": list(job.rejected_rows.all()[:SHOWN])}
    return context


def _reasons(job: Import) -> list[tuple[str, int]]:
    """How many rows were rejected for which reason, the most frequent first."""
    rows = job.rejected_rows.order_by().values_list("reason").annotate(count=Count("pk"))
    return [(Reason(reason).label, count) for reason, count in sorted(rows, key=lambda row: -row[1])]


@portal("imports:write")
@require_POST
def import_configure(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Keep which column means what, and show what that makes of the sample."""
    job = get_object_or_404(Import, pk=pk)
    form = MappingForm(request.POST, job=job)
    # A half-filled mapping is kept as well: the page says what is still missing.
    form.full_clean()
    mapping, options = form.mapping, form.options
    changed = attempt(
        form,
        lambda: services.configure_import(actor=actor_of(request), job=job, mapping=mapping, options=options),
    )
    if changed is None:
        return _show_configuration(request, job, form, status=422)
    if not request.htmx:
        return redirect(_url(job))
    return _show_configuration(request, changed, MappingForm(None, job=changed))


def _show_configuration(
    request: PortalRequest, job: Import, form: MappingForm, status: int = 200
) -> HttpResponse:
    template = "imports/configure.html" if request.htmx else "imports/detail.html"
    return render(request, template, _context(job) | {"form": form}, status=status)


MOVES: Final[dict[str, tuple[Callable[..., Import], str]]] = {
    "start": (services.start_import, "The import runs. You can leave this page."),
    "cancel": (services.cancel_import, "The import stops. What is imported stays."),
    "resume": (services.resume_import, "The import goes on where it stopped."),
    "rehearse": (services.rehearse_import, "The dry run goes through the file. Nothing is imported."),
    "undo": (services.undo_import, "What nobody has touched since is taken back."),
}


@portal("imports:write")
@require_POST
def import_move(request: PortalRequest, pk: UUID, move: str) -> HttpResponse:
    """Start, cancel or resume."""
    if move not in MOVES:
        raise Http404
    verb, success = MOVES[move]
    job = get_object_or_404(Import, pk=pk)
    tried(request, lambda: verb(actor=actor_of(request), job=job), success)
    return redirect(_url(job))


@portal("imports:write")
@require_http_methods(["GET", "POST"])
def import_delete(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Ask, then forget the import with its file and its rejected rows."""
    job = get_object_or_404(Import, pk=pk)
    if request.method == "POST":
        actor = actor_of(request)
        gone = tried(
            request,
            lambda: services.delete_import(actor=actor, job=job),
            "The import is deleted; the orders that it made stay.",
        )
        return done(request, "imports:list" if gone else _url(job))
    return render(request, "imports/delete.html", {"job": job})


@portal("imports:read")
@require_GET
def rejected_rows(request: PortalRequest, pk: UUID) -> HttpResponse:
    """All rows that could not be imported, with the reason."""
    job = get_object_or_404(Import, pk=pk)
    listing = RejectedListing(request, job.rejected_rows.all())
    return render(request, "imports/rejected.html", {"job": job, "listing": listing})


@portal("imports:read")
@require_GET
def rejected_file(request: PortalRequest, pk: UUID) -> StreamingHttpResponse:
    """The rejected rows as a file, to be mended and imported again."""
    job = get_object_or_404(Import, pk=pk)
    return StreamingHttpResponse(
        stream_in(current_tenant(), lambda: rejected_csv(job)),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{report_name(job)}"'},
    )


def _url(job: Import) -> str:
    return reverse("imports:detail", args=[job.pk])
