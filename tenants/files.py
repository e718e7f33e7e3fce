"""Private files of a tenant: an address that is the key to one of them for a while, and the door behind it."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

from django.core.exceptions import SuspiciousFileOperation
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from tenants.portal import portal_public
from tenants.signing import BadLink, sign_until, unsign_until
from tenants.storage import tenant_storage

PURPOSE: Final = "file"
# What a browser may open by itself on the tenant's own host: nothing in these can run.
SHOWN: Final = frozenset({"image/webp", "image/png", "image/jpeg", "image/gif", "application/pdf"})
# Browsers' PDF readers do not start in a sandbox; the rest of the policy holds for them too.
POLICY: Final = "default-src 'none'; frame-ancestors 'none'"
STEPS: Final = 4


def signed_url(
    name: str,
    *,
    filename: str,
    content_type: str,
    inline: bool = False,
    good_for: timedelta = timedelta(minutes=15),
) -> str:
    """The path, on the current tenant's host, at which a file of its storage can be had by whoever has the path.

    It is good for at least `good_for` and stays the same for a quarter of that, so that browsers keep what they got.
    """
    if inline and content_type not in SHOWN:
        raise ValueError(
            f"{content_type} could run in the reader's browser. Let it be downloaded, without inline."
        )
    token = sign_until(PURPOSE, [name, filename, content_type, inline], _until(good_for))
    return f"/files/{token}/"


def _until(good_for: timedelta) -> datetime:
    step = good_for.total_seconds() / STEPS
    begun = timezone.now().timestamp() // step
    return datetime.fromtimestamp((begun + STEPS + 1) * step, UTC)


@portal_public("the address is the key: signed for this tenant and one file, for a limited time")
@require_safe
def serve(request: HttpRequest, token: str) -> HttpResponseBase:
    """Send the file that the address was signed for."""
    try:
        (name, filename, content_type, inline), left = unsign_until(PURPOSE, token)
    except BadLink as error:
        return _refused(request, 410, str(error))
    etag = f'"{sha256(name.encode()).hexdigest()[:32]}"'
    response = get_conditional_response(request, etag=etag) or _opened(name, filename, content_type, inline)
    if response is None:
        return _refused(request, 404, "The file that this link led to has been deleted.")
    response["ETag"] = etag
    response["Cache-Control"] = f"private, max-age={int(left.total_seconds())}"
    return response


def _opened(name: str, filename: str, content_type: str, inline: bool) -> HttpResponseBase | None:
    try:
        file = tenant_storage().open(name)
    except (FileNotFoundError, IsADirectoryError, SuspiciousFileOperation):
        return None
    response = FileResponse(file, as_attachment=not inline, filename=filename, content_type=content_type)
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = (
        POLICY if content_type == "application/pdf" else f"{POLICY}; sandbox"
    )
    return response


def _refused(request: HttpRequest, status: int, detail: str) -> HttpResponse:
    context = {"title": "This file is not here", "detail": detail, "back": "/"}
    return render(request, "errors/refused.html", context, status=status)
