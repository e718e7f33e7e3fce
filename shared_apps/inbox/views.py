"""Where Stripe sends its events."""

from typing import Final

import structlog
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from shared_apps.inbox.storing import receive
from tenants.api.problems import occurrence, problem_response
from tenants.errors import DomainError

LARGEST: Final = 1024 * 1024
log = structlog.get_logger("rowhouse.inbox")


class TooLarge(DomainError):
    """No event of Stripe's is as large."""

    code = "too_large"
    status = 413
    title = "The body is too large"


class WrongMethod(DomainError):
    """Events are posted."""

    code = "method_not_allowed"
    status = 405
    title = "Method not allowed"


@csrf_exempt
def webhooks(request: HttpRequest) -> HttpResponse:
    """Take an event: 200 as soon as it is kept, and for one that was kept before; its signature is the permission."""
    try:
        stripe_id = receive(body=_body(request), signature=request.headers.get("Stripe-Signature", ""))
    except DomainError as refusal:
        return _refused(request, refusal)
    return JsonResponse({"received": stripe_id})


def _body(request: HttpRequest) -> bytes:
    if request.method != "POST":
        raise WrongMethod("Stripe posts its events here. There is nothing to look at.")
    if int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST:
        raise TooLarge(f"An event has at most {LARGEST // 1024} KiB.")
    return request.body


def _refused(request: HttpRequest, refusal: DomainError) -> HttpResponse:
    """The refusal as a problem; Stripe's dashboard shows it to who looks why an event did not arrive."""
    log.warning("inbox.refused", code=refusal.code)
    response = problem_response(
        refusal.status, refusal.code, refusal.title, refusal.detail, **occurrence(request)
    )
    if refusal.status == 405:
        response["Allow"] = "POST"
    return response
