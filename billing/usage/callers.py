"""Who has used what: API calls by token and by person, orders by whoever placed them."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import Count

from billing.usage.figures import by_source
from tenants.audit.models import AuditEntry
from tenants.users.models import ApiToken, User

MOST: Final = 100
PLACED: Final = "order.placed"


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody or something with its use. `kind` is token, user, service (all service accounts) or other."""

    id: UUID | None
    kind: str
    name: str
    detail: str
    quantity: int


Callers = list[Caller]


def calls_by_token(schema: str, begin: datetime, end: datetime, total: int) -> Callers:
    """API calls by the credential that they came with: a token, or a person who had signed in."""
    used = by_source(schema, "api_calls", begin, end)
    tokens = _tokens(used)
    people = _people(set(used) - set(tokens))
    found = [_of_token(tokens[key], count) for key, count in used.items() if key in tokens]
    found += [_of_person(people[key], "signed in", count) for key, count in used.items() if key in people]
    return _ranked(found, total)


def calls_by_user(schema: str, begin: datetime, end: datetime, total: int) -> Callers:
    """API calls by the people whose they are; those of service accounts are nobody's."""
    used = by_source(schema, "api_calls", begin, end)
    tokens = _tokens(used)
    owners = {key: tokens[key].person_id if key in tokens else key for key in used}
    counts: Counter[UUID | None] = Counter()
    for key, count in used.items():
        counts[owners[key]] += count
    people = _people(key for key in counts if key is not None)
    found = [_of_person(people[key], "", count) for key, count in counts.items() if key in people]
    if counts[None]:
        found.append(Caller(None, "service", "Service accounts", "", counts[None]))
    return _ranked(found, total)


def orders_by_user(schema: str, begin: datetime, end: datetime, total: int) -> Callers:
    """Orders by who placed them, from the tenant's own audit log."""
    placed = AuditEntry.objects.filter(id__gte=_first_id(begin), id__lt=_first_id(end), verb=PLACED)
    rows = placed.order_by().values_list("actor_kind", "actor_id", "actor_label").annotate(Count("id"))
    found = [
        Caller(key, kind if kind in ("user", "token") else "other", label, "", count)
        for kind, key, label, count in rows
    ]
    return _ranked(found, total)


# What can be told apart, and by what.
WAYS: Final[Mapping[tuple[str, str], Callable[[str, datetime, datetime, int], Callers]]] = {
    ("api_calls", "token"): calls_by_token,
    ("api_calls", "user"): calls_by_user,
    ("orders_placed", "user"): orders_by_user,
}


def _ranked(found: Callers, total: int) -> Callers:
    """The largest first; what nobody is known for is told in a line of its own."""
    ranked = sorted(found, key=lambda caller: (-caller.quantity, caller.name))
    shown, rest = ranked[:MOST], total - sum(caller.quantity for caller in ranked[:MOST])
    return [*shown, Caller(None, "other", "Others, and corrections", "", rest)] if rest else shown


def _tokens(keys: Iterable[UUID]) -> dict[UUID, ApiToken]:
    return {token.pk: token for token in ApiToken.objects.filter(pk__in=list(keys)).select_related("person")}


def _people(keys: Iterable[UUID]) -> dict[UUID, User]:
    wanted = list(keys)
    return {user.pk: user for user in User.objects.filter(pk__in=wanted)} if wanted else {}


def _of_token(token: ApiToken, quantity: int) -> Caller:
    whose = token.person.display_name if token.person else "service account"
    return Caller(token.pk, "token", token.name, whose, quantity)


def _of_person(user: User, detail: str, quantity: int) -> Caller:
    return Caller(user.pk, "user", user.display_name, detail, quantity)


def _first_id(when: datetime) -> UUID:
    """The least id that a row of that moment can have (RFC 9562, version 7)."""
    return UUID(int=int(when.timestamp() * 1000) << 80)
