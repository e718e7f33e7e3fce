"""How the tests call the API: JSON in, JSON out, problems read in one place."""

from typing import Any

from django.test import Client

from tenants.context import Tenant, unit_of_work
from tenants.users.models import User
from tenants.users.tokens import AccessToken

BASE = "/api/v1/"
NOWHERE = "0190b3c4-8d2e-7c41-9a53-2f1e6b7d8c90"


class Api:
    """A program that calls one tenant's API, with a credential or without."""

    def __init__(self, tenant: Tenant, credential: str = "") -> None:
        self.tenant = tenant
        headers = {"host": tenant.host}
        if credential:
            headers["authorization"] = f"Bearer {credential}"
        self.client = Client(headers=headers)

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(BASE + path, query)

    def post(self, path: str, body: Any = None) -> Any:
        return self.send("post", path, {} if body is None else body)

    def patch(self, path: str, body: Any) -> Any:
        return self.send("patch", path, body)

    def put(self, path: str, body: Any, *, if_match: str = "*") -> Any:
        """Replace something; whatever its state is, unless the test names one."""
        return self.client.put(
            BASE + path, body, content_type="application/json", headers={"if-match": if_match}
        )

    def delete(self, path: str) -> Any:
        return self.client.delete(BASE + path)

    def send(self, method: str, path: str, body: Any, content_type: str = "application/json") -> Any:
        """Send a body as it is, or as JSON."""
        return getattr(self.client, method)(BASE + path, body, content_type=content_type)


def signed_in(user: User, tenant: Tenant) -> Api:
    """Somebody with a fresh access token."""
    with unit_of_work(tenant):
        return Api(tenant, str(AccessToken.issue(user)))


def problem(response: Any, status: int, code: str) -> dict[str, Any]:
    """The problem in an answer, after checking that it is a whole one."""
    assert response["Content-Type"] == "application/problem+json", response.content
    body: dict[str, Any] = response.json()
    assert (response.status_code, body["status"], body["code"]) == (status, status, code), body
    assert body["type"] == f"urn:rowhouse:problem:{code}"
    assert body["title"]
    assert body["detail"]
    assert body["instance"] == response.wsgi_request.path
    return body


def errors(response: Any) -> dict[str, str]:
    """The codes of a validation problem by pointer."""
    return {
        error["pointer"]: error["code"] for error in problem(response, 422, "validation_failed")["errors"]
    }
