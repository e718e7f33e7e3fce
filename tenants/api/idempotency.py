"""Idempotency keys: a POST that is sent again is answered as it was the first time, and not done again.

One row for each caller and key, written in the request's own transaction: what was done and the memory of it are kept
together or not at all. An advisory lock of that transaction says that a key is in use this moment.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Self
from uuid import UUID

import orjson
from django.core.files.uploadedfile import UploadedFile
from django.db import connection, transaction
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from rest_framework.exceptions import ErrorDetail
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tenants.api.access import IDEMPOTENCY_KEY, require_open
from tenants.api.failures import InvalidHeader
from tenants.api.models import IdempotencyKey
from tenants.context import realm_key
from tenants.errors import Conflict, DomainError, Invalid
from tenants.models import uuid7
from tenants.sealing import CannotUnseal, seal, unseal

HEADER: Final = IDEMPOTENCY_KEY
REPLAYED: Final = "Idempotent-Replayed"
KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")
KEPT_FOR: Final = timedelta(hours=24)
KEPT_HEADERS: Final = ("Content-Type", "Location", "ETag", "Retry-After", "WWW-Authenticate")
RETRY_AFTER: Final = 1

# A key that is older than it has to be kept begins anew.
CLAIM: Final = """
    INSERT INTO api_idempotencykey AS held (id, credential, key, fingerprint, created_at)
    SELECT %s, %s, %s, %s, %s WHERE pg_try_advisory_xact_lock(%s)
    ON CONFLICT (credential, key) DO UPDATE
        SET id = EXCLUDED.id, fingerprint = EXCLUDED.fingerprint, created_at = EXCLUDED.created_at,
            status = NULL, answer = NULL
        WHERE held.created_at < %s
    RETURNING id
"""


class KeyReused(Invalid):
    code = "idempotency_key_reused"
    title = "This key belongs to another request"


class StillRunning(Conflict):
    code = "request_in_progress"
    title = "The first request with this key is still being worked on"


class AnswerGone(Conflict):
    code = "answer_gone"
    title = "The first answer cannot be given again"


@dataclass(frozen=True)
class Claim:
    """A key that this request holds until its transaction ends."""

    id: UUID
    sealed_for: str
    # Without a credential only what succeeds is kept, or strangers could fill the table.
    is_anonymous: bool

    @classmethod
    def make(cls, request: Request, key: str) -> Self | HttpResponse:
        """Take the key, or the answer that it led to; raises KeyReused or StillRunning."""
        fingerprint = fingerprint_of(request)
        is_anonymous = not request.user.is_authenticated
        credential = f"body:{fingerprint}" if is_anonymous else _credential(request.user)
        claimed = _claim(credential, key, fingerprint)
        sealed_for = f"idempotency:{credential}:{key}"
        if claimed is not None:
            return cls(claimed, sealed_for, is_anonymous)
        return _first_answer(credential, key, fingerprint, sealed_for)

    def drop(self) -> None:
        """Forget the key, as if it had never been sent."""
        IdempotencyKey.objects.filter(pk=self.id).delete()

    def keep(self, response: HttpResponseBase) -> None:
        """Write the answer down; one that is produced while it is sent cannot be given twice."""
        row = IdempotencyKey.objects.filter(pk=self.id)
        if not isinstance(response, HttpResponse):
            row.delete()
            return
        headers = {name: response[name] for name in KEPT_HEADERS if name in response}
        answer = orjson.dumps(headers) + b"\n" + response.content
        row.update(status=response.status_code, answer=seal(self.sealed_for, answer))


def _attempt(handler: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    """A refusal undoes what the handler wrote, and not the claim of the key; unless it keeps even that."""
    kept: DomainError
    with transaction.atomic():
        try:
            return handler()
        except DomainError as refusal:
            if not refusal.keeps_writes:
                raise
            kept = refusal
    raise kept


class Repeatable(APIView):
    """Base of views: a POST that carries an idempotency key has its effect once."""

    # What was answered before the tenant's payments closed it is answered still; see `tenants.api.access`.
    is_answered_again = True
    _claim: Claim | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        key = _key_of(request) if request.method == "POST" and hasattr(self, "post") else None
        if key is not None:
            self.post: Callable[..., HttpResponseBase] = self._once(key, self.post)

    def _once(self, key: str, handler: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        def post(request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
            claim = Claim.make(request, key)
            if isinstance(claim, HttpResponse):
                return claim
            # Before the claim is this view's: a refusal is not kept, so that the key is good once it is open again.
            require_open(request, self)
            self._claim = claim
            return _attempt(lambda: handler(request, *args, **kwargs))

        return post

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Response:
        final = super().finalize_response(request, response, *args, **kwargs)
        if self._claim is not None and final.status_code < 500:
            self._keep_answer(self._claim, request, final)
        return final

    def _keep_answer(self, claim: Claim, request: Request, final: Any) -> None:
        plain: Any = request._request
        if getattr(final, "exception", False):
            if claim.is_anonymous:
                claim.drop()
                return
            plain.undo = False
        if hasattr(final, "add_post_render_callback"):
            final.add_post_render_callback(claim.keep)
        else:
            claim.keep(final)


def sweep_idempotency_keys(*, now: datetime | None = None) -> int:
    """Forget keys of the current tenant that were kept long enough; returns how many."""
    with transaction.atomic():
        old = IdempotencyKey.objects.filter(created_at__lt=(now or timezone.now()) - KEPT_FOR)
        return old.delete()[0]


def fingerprint_of(request: Request) -> str:
    """What is asked for: method, address and body. Bodies are compared as they were understood."""
    digest = hashlib.sha256(f"{request.method} {request.get_full_path()}\n".encode())
    for part in _parts(request.data):
        digest.update(part)
    return digest.hexdigest()


def _parts(data: Any) -> Iterator[bytes]:
    if not hasattr(data, "lists"):
        yield json.dumps(data, sort_keys=True).encode()
        return
    for name, values in sorted(data.lists()):
        for value in values:
            yield f"\0{name}\0".encode()
            yield from _file(value) if isinstance(value, UploadedFile) else [str(value).encode()]


def _file(file: "UploadedFile[Any]") -> Iterator[bytes]:
    yield f"{file.name}\0".encode()
    yield from file.chunks()
    file.seek(0)


def _key_of(request: Request) -> str | None:
    key = request.headers.get(HEADER)
    if key is None or KEY.fullmatch(key):
        return key
    detail = "Send 1 to 255 visible ASCII characters, such as a UUID, or leave the header out."
    raise InvalidHeader({HEADER: [ErrorDetail(detail, "invalid")]})


def _credential(principal: Any) -> str:
    return f"{principal.actor_kind}:{principal.id}"


def _claim(credential: str, key: str, fingerprint: str) -> UUID | None:
    now = timezone.now()
    row: list[Any] = [uuid7(), credential, key, fingerprint, now]
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, [*row, _lock(credential, key), now - KEPT_FOR])
        found = cursor.fetchone()
    return found[0] if found else None


def _lock(credential: str, key: str) -> int:
    # Advisory locks are the whole database's, hence the tenant.
    digest = hashlib.sha256(f"{realm_key()}:{credential}:{key}".encode()).digest()
    return int.from_bytes(digest[:8], signed=True)


def _first_answer(credential: str, key: str, fingerprint: str, sealed_for: str) -> HttpResponse:
    first = IdempotencyKey.objects.filter(credential=credential, key=key).first()
    if first is None:
        raise StillRunning(
            "The first request with this idempotency key has not ended yet. Send it again in a moment.",
            retry_after=RETRY_AFTER,
        )
    if first.fingerprint != fingerprint:
        raise KeyReused(
            "This idempotency key was used for another request: another path or another body. "
            "Send the same request again, or choose a new key."
        )
    return _replay(first, sealed_for)


def _replay(first: IdempotencyKey, sealed_for: str) -> HttpResponse:
    try:
        headers, _, body = unseal(sealed_for, bytes(first.answer or b"")).partition(b"\n")
    except CannotUnseal as error:
        raise AnswerGone(
            "The request was done, but its answer can no longer be read. Look the result up; do not send it again."
        ) from error
    known: dict[str, str] = orjson.loads(headers)
    return HttpResponse(body, status=first.status, headers={**known, REPLAYED: "true"})
