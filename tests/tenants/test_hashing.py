"""How a new account's password is stored."""

from tenants.audit.actors import Actor
from tenants.context import Tenant
from tenants.users.accounts import create_user
from tenants.users.hashing import SharedPassword


def test_accounts_that_begin_with_one_password_share_its_hash_and_open(inside: Tenant) -> None:
    actor = Actor.system("a test")
    password = SharedPassword("let-me-look-around")
    people = [
        create_user(email=f"{name}@acme.example", password=password, role="viewer", actor=actor)
        for name in ("first", "second")
    ]
    assert people[0].password == people[1].password
    assert all(person.check_password("let-me-look-around") for person in people)
    other = create_user(email="third@acme.example", password=str(password), role="viewer", actor=actor)
    assert other.password != people[0].password
