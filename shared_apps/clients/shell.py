"""What operators do to one tenant on the shell: the verbs of `manage.py tenant`.

Each app may bring verbs of its own in a module like this one; the command puts the dictionaries together.
"""

from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TextIO

from django.conf import settings
from django.db.models import Q

from shared_apps.clients.models import Client, Domain
from shared_apps.clients.renaming import rename_subdomain
from shared_apps.clients.standing import change_access, extend_trial
from shared_apps.clients.statuses import TRANSITIONS, change_status
from tenants.audit.actors import Actor
from tenants.errors import NotFound
from tenants.routers import CONTROL_ALIAS
from tenants.status import Door, answer


@dataclass(frozen=True)
class Call:
    """What a verb is called with: who asks, the tenant's name as typed, the options, and where to tell of progress."""

    actor: Actor
    name: str
    options: dict[str, Any]
    out: TextIO

    @property
    def client(self) -> Client:
        """The tenant that was named, read anew; raises NotFound."""
        return find_client(self.name)


def _no_arguments(parser: ArgumentParser) -> None:
    """Most verbs need the tenant's name alone."""


@dataclass(frozen=True)
class Verb:
    """One subcommand: what it does, in a line; what it runs, whose answer is shown; and its further arguments."""

    help: str
    run: Callable[[Call], dict[str, Any]]
    arguments: Callable[[ArgumentParser], None] = _no_arguments


def find_client(name: str) -> Client:
    """A client by its subdomain, its schema, or any host name of it."""
    found = Client.objects.using(CONTROL_ALIAS).filter(
        Q(subdomain=name) | Q(schema_name=name) | Q(domains__domain=name)
    )
    if (client := found.distinct().first()) is None:
        raise NotFound(
            f"No tenant is called {name!r}. Give its subdomain (acme), a host name "
            f"(acme.{settings.PUBLIC_HOST}) or its schema (t_…)."
        )
    return client


def shown(client: Client) -> dict[str, Any]:
    """What operators see of a tenant on the shell."""
    names = Domain.objects.using(CONTROL_ALIAS).filter(tenant=client).order_by("-is_primary", "domain")
    return {
        "name": client.name,
        "subdomain": client.subdomain,
        "status": client.status,
        "since": client.status_since,
        "reason": client.suspension_reason,
        "notice": client.notice,
        "delete_after": client.delete_after,
        "plan": client.plan,
        "plan_version": client.plan_version,
        "trial_ends_at": client.trial_ends_at,
        "access": client.access,
        "access_reason": client.access_reason,
        "access_since": client.access_since,
        "access_until": client.access_until,
        "schema": client.schema_name,
        "id": client.id,
        "hosts": [name.domain for name in names],
        "created": client.created_at,
        "possible": list(answer(client.status, Door.ADMIN)),
    }


def _status(verb: str, *details: str) -> Callable[[Call], dict[str, Any]]:
    def run(call: Call) -> dict[str, Any]:
        given = {name: call.options[name] for name in details}
        client = change_status(client_id=call.client.pk, actor=call.actor, verb=verb, **given)
        call.out.write(f"{client.name} {TRANSITIONS[verb].done}\n")
        return shown(client)

    return run


def _rename(call: Call) -> dict[str, Any]:
    subdomain = call.options["subdomain"]
    client = rename_subdomain(client_id=call.client.pk, subdomain=subdomain, actor=call.actor)
    call.out.write(f"{client.name} is at {client.host} now; its old names lead there.\n")
    return shown(client)


def _extend_trial(call: Call) -> dict[str, Any]:
    until, reason = call.options["until"], call.options["reason"]
    client = extend_trial(client_id=call.client.pk, actor=call.actor, until=until, reason=reason)
    call.out.write(f"{client.name} may try {client.plan} until {until:%Y-%m-%d %H:%M} UTC.\n")
    return shown(client)


def _access(call: Call) -> dict[str, Any]:
    given = {"access": call.options["to"], **{name: call.options[name] for name in ("until", "reason")}}
    client = change_access(client_id=call.client.pk, actor=call.actor, **given)
    call.out.write(f"{client.name} has {client.access} access.\n")
    return shown(client)


def _time(text: str) -> datetime:
    """A day or a time of the shell, in UTC where it names no zone."""
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _standing(*options: Callable[[ArgumentParser], None]) -> Callable[[ArgumentParser], None]:
    def add(parser: ArgumentParser) -> None:
        for option in options:
            option(parser)

    return add


def _option(name: str, text: str, **more: Any) -> Callable[[ArgumentParser], None]:
    def add(parser: ArgumentParser) -> None:
        parser.add_argument(name, help=text, **more)

    return add


VERBS: Final[dict[str, Verb]] = {
    "show": Verb("what the tenant is and what can be done with it", lambda call: shown(call.client)),
    "suspend": Verb(
        "close its doors",
        _status("suspend", "reason"),
        _option("--reason", "kept in the audit log; the tenant does not see it", required=True),
    ),
    "resume": Verb("open a suspended tenant", _status("resume")),
    "maintenance": Verb(
        "close it for a while; its tasks wait",
        _status("begin_maintenance", "notice"),
        _option("--notice", "what its people read meanwhile", default=""),
    ),
    "open": Verb("end its maintenance", _status("end_maintenance")),
    "rename": Verb(
        "give it another subdomain; the old one leads there",
        _rename,
        _option("subdomain", "the new subdomain, without the platform's host"),
    ),
    "extend-trial": Verb(
        "let it go on trying",
        _extend_trial,
        _standing(
            _option("--until", "a day or a time in UTC, such as 2027-01-31", required=True, type=_time),
            _option("--reason", "kept in the audit log", required=True),
        ),
    ),
    "access": Verb(
        "change what its payments leave open, until something else is heard of them",
        _access,
        _standing(
            _option("--to", "what is open", required=True, choices=Client.Access.values),
            _option("--until", "when a time of grace ends, in UTC", type=_time),
            _option("--reason", "kept in the audit log; its people read it", required=True),
        ),
    ),
    "archive": Verb("close it for long; its data stays", _status("archive")),
    "reopen": Verb("open an archived tenant", _status("reopen")),
}
