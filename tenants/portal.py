"""What every portal view declares and does alike: its verb, its pages, its answers to refusals."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Final, TypeVar

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.cache import patch_vary_headers
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from tenants.context import Tenant
from tenants.errors import DomainError
from tenants.middleware import undo_writes
from tenants.standing import BILLING_PATH, Closed, Purpose, exports, is_manager, refusal_of, usual_purpose
from tenants.users.models import User
from tenants.users.permissions import VERBS, can

View = Callable[..., HttpResponseBase]
Result = TypeVar("Result")
SIGN_IN_URL: Final = "/sign-in/"


class PortalRequest(HttpRequest):
    """A request whose user is signed in; what a view behind `@portal` receives."""

    user: User
    htmx: HtmxDetails
    tenant: Tenant


def portal(verb: str, *, purpose: Purpose | None = None) -> Callable[[View], View]:
    """Let signed-in people through whose role includes the verb; others sign in or see why they may not.

    `purpose` says what the view is for, where that does not follow from its verb and method: see `tenants.standing`.
    """
    if verb not in VERBS:
        raise ValueError(f"{verb!r} is no verb; add it to tenants/users/permissions.py.")

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return _sign_in_first(request)
            if not can(request.user, verb):
                return forbidden(request, verb)
            return _withheld(request, verb, purpose) or _answered(view, request, *args, **kwargs)

        guarded.verb = verb  # type: ignore[attr-defined]  # read by the start-up check
        guarded.purpose = purpose  # type: ignore[attr-defined]  # read by tests
        return guarded

    return decorate


def portal_public(reason: str, *, purpose: Purpose | None = None) -> Callable[[View], View]:
    """Declare a view open to everybody, and say why; `purpose` as with `portal`."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            return _withheld(request, None, purpose) or view(request, *args, **kwargs)

        guarded.public_because = reason  # type: ignore[attr-defined]  # read by the start-up check
        guarded.purpose = purpose  # type: ignore[attr-defined]  # read by tests
        return guarded

    return decorate


def forbidden(request: HttpRequest, verb: str) -> HttpResponse:
    """The page for somebody who is signed in but may not do this."""
    return render(request, "errors/403.html", {"verb": verb}, status=403)


def _withheld(request: HttpRequest, verb: str | None, purpose: Purpose | None) -> HttpResponse | None:
    """What is answered while the tenant's payments do not allow this; None where they do.

    A part of a page is told in a toast, and what was typed stays where it is; a page keeps it in a form of its own.
    """
    wanted = purpose or usual_purpose(verb, str(request.method))
    refusal = refusal_of(getattr(request, "tenant", None), wanted, request.user)
    if refusal is None:
        return None
    if getattr(request, "htmx", False) and not request.headers.get("HX-Boosted"):
        return HttpResponse(refusal.detail, status=refusal.status, content_type="text/plain; charset=utf-8")
    context = {"refusal": refusal, "is_manager": is_manager(request.user), "typed": _typed(request)}
    more = {"exports": exports() if isinstance(refusal, Closed) else (), "billing": BILLING_PATH}
    return render(request, "errors/withheld.html", {**context, **more}, status=refusal.status)


def _typed(request: HttpRequest) -> list[tuple[str, str]]:
    """What a form has sent, so that it can be sent again; secrets are typed anew."""
    if request.method != "POST":
        return []
    return [
        (name, value)
        for name, values in request.POST.lists()
        for value in values
        if name != "csrfmiddlewaretoken" and "password" not in name
    ]


def _sign_in_first(request: HttpRequest) -> HttpResponse:
    # A part of a page cannot be replaced by the sign-in page: the whole page is loaded again, and goes there.
    if getattr(request, "htmx", False):
        return HttpResponse(status=401, headers={"HX-Refresh": "true"})
    if request.method not in {"GET", "HEAD"}:
        return redirect(SIGN_IN_URL)
    return redirect_to_login(request.get_full_path(), SIGN_IN_URL)


def _answered(view: View, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
    try:
        response = view(request, *args, **kwargs)
    except DomainError as refusal:
        undo_writes(request)
        context = {"title": refusal.title, "detail": refusal.detail}
        response = render(request, "errors/refused.html", context, status=refusal.status)
    # One address answers with a page or with a part of it.
    patch_vary_headers(response, ["HX-Request"])
    return response


def show(
    request: HttpRequest, page: str, context: Mapping[str, Any], *, part: str | None = None
) -> HttpResponse:
    """A page; or the part of it alone, where htmx asks for that and one is named."""
    wants_part = part and getattr(request, "htmx", False) and not request.headers.get("HX-Boosted")
    return render(request, part if part and wants_part else page, dict(context))


def show_form(request: HttpRequest, page: str, context: Mapping[str, Any]) -> HttpResponse:
    """A page with `form`: 422 when the form was refused, so that htmx and programs can tell."""
    form: BaseForm = context["form"]
    return render(request, page, dict(context), status=422 if form.errors else 200)


def posted(request: HttpRequest) -> QueryDict | None:
    """What a form is bound to: the body of a POST, however empty; nothing otherwise."""
    return request.POST if request.method == "POST" else None


def attempt(form: Any, verb: Callable[[], Result]) -> Result | None:
    """Call the verb; its refusal becomes an error of the form, at the field that it names."""
    try:
        return verb()
    except DomainError as refusal:
        field = (refusal.field or "").partition(".")[0]
        form.add_error(field if field in form.fields else None, refusal.detail)
        return None


def tried(request: HttpRequest, verb: Callable[[], object], success: str) -> bool:
    """Call the verb of a button and say in a toast how it went."""
    try:
        verb()
    except DomainError as refusal:
        messages.error(request, refusal.detail)
        return False
    messages.success(request, success)
    return True


def done(request: HttpRequest, to: Any, success: str = "", **kwargs: Any) -> HttpResponse:
    """Leave a form after its verb has done the work: say so, and go on to a record or route."""
    if success:
        messages.success(request, success)
    return go(request, to, **kwargs)


def go(request: HttpRequest, to: Any, **kwargs: Any) -> HttpResponse:
    """Redirect a page, or the page around a part."""
    response = redirect(to, **kwargs)
    return HttpResponseClientRedirect(response.url) if getattr(request, "htmx", False) else response
