"""What a request keeps and what it undoes, when its body may still read, and which number it goes by."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import Client
from django.urls import include, path
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.api.viewsets import TenantView
from tenants.audit.models import AuditEntry
from tenants.context import NoTenant, Tenant, current, current_tenant, stream_in, unit_of_work
from tenants.errors import Conflict
from tenants.middleware import undo_writes
from tenants.models import uuid7
from tenants.users.models import ApiToken, User
from tests.stage import administrator

pytestmark = pytest.mark.urls(__name__)
HOOKS: list[str] = []


def write() -> None:
    User.objects.filter(role="viewer").update(name="written")
    transaction.on_commit(lambda: HOOKS.append("committed"))


def answers(status: int) -> Callable[[HttpRequest], HttpResponse]:
    def view(request: HttpRequest) -> HttpResponse:
        write()
        return HttpResponse("done", status=status)

    return view


def raises(error: Exception) -> Callable[[HttpRequest], HttpResponse]:
    def view(request: HttpRequest) -> HttpResponse:
        write()
        raise error

    return view


def in_session(request: HttpRequest) -> HttpResponse:
    """Writes, remembers something in the session, and raises."""
    write()
    request.session["remembered"] = True
    raise PermissionDenied


def inside_atomic(request: HttpRequest) -> HttpResponse:
    write()
    with transaction.atomic():
        User.objects.filter(role="viewer").update(name="undone")
        raise Http404


def swallows(request: HttpRequest) -> HttpResponse:
    """Hides a database error, and with it the loss of everything written before."""
    write()
    with suppress(IntegrityError):
        User(email="owner@acme.example", role="owner").save()
    return HttpResponse("done")


def breaks_at_commit(request: HttpRequest) -> HttpResponse:
    """Breaks a rule that the database looks at when it commits."""
    write()
    ApiToken(name="x", prefix="x", digest="x", created_by_id=uuid7()).save()
    return HttpResponse("done")


def undoes(request: HttpRequest) -> HttpResponse:
    write()
    undo_writes(request)
    return HttpResponse("refused", status=409)


def streams_by_itself(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(str(User.objects.count()) for _ in range(2))


def streams_in_a_unit(request: HttpRequest) -> StreamingHttpResponse:
    def produce() -> Iterator[bytes]:
        for user in User.objects.order_by("email").iterator(chunk_size=1):
            yield f"{user.email} of {current_tenant().name};".encode()

    return StreamingHttpResponse(stream_in(current_tenant(), produce))


def role_during(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        return HttpResponse(cursor.fetchone()[0])


class Refuses(TenantView):
    """An API view that writes and then answers or raises."""

    public_because = "a test"
    authentication_classes = ()

    def post(self, request: Request) -> Response:
        write()
        if request.data == {"how": "raise"}:
            raise Conflict("It is so.")
        return Response({"code": "said"}, status=409)


urlpatterns = [
    path("", include("config.urls_tenant")),
    *(path(f"answers/{status}", answers(status)) for status in (200, 302, 404, 409, 422, 500, 503)),
    path("raises/404", raises(Http404())),
    path("raises/403", raises(PermissionDenied())),
    path("raises/500", raises(ZeroDivisionError())),
    path("in-session", in_session),
    path("inside-atomic", inside_atomic),
    path("swallows", swallows),
    path("breaks-at-commit", breaks_at_commit),
    path("undoes", undoes),
    path("streams-by-itself", streams_by_itself),
    path("streams-in-a-unit", streams_in_a_unit),
    path("role", role_during),
    path("api/refuses", Refuses.as_view()),
]


@pytest.fixture
def browser(acme: Tenant) -> Client:
    HOOKS.clear()
    return Client(headers={"host": acme.host}, raise_request_exception=False)


def written(tenant: Tenant) -> str:
    with unit_of_work(tenant):
        return User.objects.get(role="viewer").name


@pytest.mark.parametrize("status", [200, 302, 404, 409, 422])
def test_an_answer_keeps_what_was_written_even_when_it_is_a_refusal(
    status: int, browser: Client, acme: Tenant
) -> None:
    assert browser.get(f"/answers/{status}").status_code == status
    assert (written(acme), HOOKS) == ("written", ["committed"])


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("/answers/500", 500),
        ("/answers/503", 503),
        ("/raises/404", 404),
        ("/raises/403", 403),
        ("/raises/500", 500),
        ("/inside-atomic", 404),
        ("/swallows", 500),
        ("/breaks-at-commit", 500),
        ("/undoes", 409),
    ],
)
def test_a_failure_undoes_everything(url: str, status: int, browser: Client, acme: Tenant) -> None:
    assert browser.get(url).status_code == status
    assert (written(acme), HOOKS) == ("", [])


@pytest.mark.parametrize(("how", "kept"), [("raise", ""), ("return", "written")])
def test_the_api_undoes_what_it_raises_and_keeps_what_it_returns(
    how: str, kept: str, browser: Client, acme: Tenant
) -> None:
    answer = browser.post("/api/refuses", {"how": how}, content_type="application/json")
    assert answer.status_code == 409
    assert written(acme) == kept


def test_the_session_is_saved_although_the_view_s_writes_are_undone(browser: Client, acme: Tenant) -> None:
    assert browser.get("/in-session").status_code == 403
    assert written(acme) == ""
    with unit_of_work(acme):
        assert browser.session["remembered"] is True


def test_a_connection_is_clean_after_every_kind_of_end(browser: Client, acme: Tenant, globex: Tenant) -> None:
    neighbour = Client(headers={"host": globex.host})
    for url in ("/answers/200", "/answers/500", "/raises/500", "/swallows", "/breaks-at-commit", "/undoes"):
        browser.get(url)
        assert current.get() is None
        assert neighbour.get("/role").content.decode() == globex.role


def test_a_body_that_reads_after_the_commit_is_refused(browser: Client) -> None:
    answer: Any = browser.get("/streams-by-itself")
    with pytest.raises(NoTenant):
        b"".join(answer.streaming_content)


def test_a_body_in_a_unit_of_its_own_reads_on(browser: Client) -> None:
    answer: Any = browser.get("/streams-in-a-unit")
    pieces = b"".join(answer.streaming_content).decode().split(";")
    assert pieces[0] == "admin@acme.example of Acme"
    assert len(pieces) == 5
    assert current.get() is None


def test_a_body_that_nobody_reads_to_its_end_leaves_no_transaction(browser: Client, acme: Tenant) -> None:
    answer: Any = browser.get("/streams-in-a-unit")
    next(iter(answer.streaming_content))
    answer.close()
    query = """
        SELECT count(*) FROM pg_stat_activity
         WHERE datname = current_database() AND state LIKE 'idle in transaction%'"""
    with administrator() as admin:
        assert admin.execute(query).fetchone() == (0,)
    assert browser.get("/role").content.decode() == acme.role


# Numbers and headers


def test_a_request_gets_a_number_of_its_own(browser: Client) -> None:
    first, second = (browser.get("/sign-in/")["X-Request-Id"] for _ in range(2))
    assert UUID(first) != UUID(second)


@pytest.mark.parametrize("given", ["abcdefgh", "A.b_c-1234", "x" * 64])
def test_a_well_formed_number_is_kept(given: str, browser: Client) -> None:
    assert browser.get("/sign-in/", headers={"x-request-id": given})["X-Request-Id"] == given


@pytest.mark.parametrize(
    "given", ["short", "x" * 65, "has space", "new\nline1", "<script>alert", "ümlaut-ümlaut"]
)
def test_a_number_that_could_do_harm_is_replaced(given: str, browser: Client) -> None:
    assert UUID(browser.get("/sign-in/", headers={"x-request-id": given})["X-Request-Id"]).version == 7


@pytest.mark.parametrize("host", ["acme.localhost", "localhost", "nobody.localhost"])
def test_every_answer_has_a_number_on_every_host(host: str) -> None:
    assert UUID(Client(headers={"host": host}).get("/nowhere/")["X-Request-Id"]).version == 7


def test_the_number_is_in_problems_and_in_the_audit_log(acme: Tenant, bearer: Callable[..., Client]) -> None:
    program = bearer(acme, "owner@acme.example")
    problem = program.get("/api/v1/products/x/", headers={"x-request-id": "number-1"})
    assert problem["X-Request-Id"] == "number-1"
    body = {"name": "Mugs"}
    program.post(
        "/api/v1/categories/", body, content_type="application/json", headers={"x-request-id": "number-2"}
    )
    with unit_of_work(acme):
        assert AuditEntry.objects.all()[0].request_id == "number-2"


def test_answers_are_not_to_be_kept_unless_they_say_so(browser: Client) -> None:
    assert browser.get("/answers/200")["Cache-Control"] == "no-store"
    assert browser.get("/answers/404")["Cache-Control"] == "no-store"
