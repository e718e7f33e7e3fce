"""The settings pages of a workspace's people."""

from tenants.context import unit_of_work
from tenants.users.models import User
from tests.portal.test_products import HTMX, text


def somebody(acme, email: str) -> User:
    with unit_of_work(acme):
        return User.objects.get(email=email)


def test_somebody_is_invited_again_and_the_invitation_taken_back(browser, acme):
    new = {"email": "ada@acme.example", "name": "Ada", "role": "member"}
    assert "ada@acme.example is invited." in text(browser.post("/settings/team/new/", new, follow=True))
    again = browser.post("/settings/team/new/", new)
    assert (again.status_code, "is of this workspace already" in text(again)) == (422, True)
    path = f"/settings/team/{somebody(acme, 'ada@acme.example').pk}/"
    assert "A new link goes to ada@acme.example." in text(browser.post(f"{path}resend/", follow=True))
    assert "Take the invitation of ada@acme.example back?" in text(
        browser.get(f"{path}revoke/", headers=HTMX)
    )
    assert "is taken back." in text(browser.post(f"{path}revoke/", follow=True))
    assert "ada@acme.example" not in text(browser.get("/settings/team/"))


def test_a_role_is_changed_and_an_account_closed_and_opened_again(browser, browser_of, acme):
    member = browser_of("member")
    path = f"/settings/team/{somebody(acme, 'member@acme.example').pk}/"
    assert "has a new role." in text(browser.post(path, {"role": "admin"}, follow=True))
    assert member.get("/settings/team/").status_code == 200
    assert "is closed." in text(browser.post(f"{path}deactivate/", follow=True))
    assert member.get("/").status_code == 302
    assert "may sign in again." in text(browser.post(f"{path}reactivate/", follow=True))
    assert somebody(acme, "member@acme.example").is_active


def test_the_last_owner_is_told_what_to_do_first(browser, acme, owner):
    answer = browser.post(f"/settings/team/{owner.pk}/", {"role": "admin"})
    assert (answer.status_code, "Make somebody else an owner first." in text(answer)) == (422, True)
    page = text(browser.post(f"/settings/team/{owner.pk}/deactivate/", follow=True))
    assert "is the only owner" in page
