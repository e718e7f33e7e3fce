"""The verbs that `manage.py tenant` has from this app: what is done with a tenant as a whole."""

import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, TextIO

from django.db.models import Q
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from shared_apps.clients.shell import Call, Verb, shown
from shared_apps.lifecycle import services
from shared_apps.lifecycle.deleting import is_genuine, preview_deletion
from shared_apps.lifecycle.models import DeletionCertificate, Operation
from shared_apps.lifecycle.running import Hold
from tenants.errors import Conflict

Add = Callable[[ArgumentParser], None]


class NotDone(Conflict):
    """An operation ended otherwise than it was meant to."""

    code = "operation_not_done"
    title = "The operation was not done"


def told(operation: Operation) -> dict[str, Any]:
    """What operators see of an operation on the shell."""
    return {
        "operation": operation.pk,
        "kind": operation.kind,
        "tenant": operation.tenant_label,
        "status": operation.status,
        "rows": operation.rows_done,
        "of": operation.rows_total,
        "at": operation.at,
        "file": str(operation.archive or ""),
        "size": operation.file_size,
        "sha256": operation.file_sha256,
        "error": operation.error,
        "started": operation.started_at,
        "finished": operation.finished_at,
    }


# The verbs


def _export(call: Call) -> dict[str, Any]:
    send = call.options["background"]
    return _run(call, services.export_client(client_id=call.client.pk, actor=call.actor, send=send))


def _restore(call: Call) -> dict[str, Any]:
    given = {
        "archive": Path(call.options["archive"]),
        "accept_foreign": call.options["accept_foreign"],
        "actor": call.actor,
        "send": call.options["background"],
    }
    if call.options["replace"]:
        typed = call.options["confirm"]
        return _run(call, services.replace_client(client_id=call.client.pk, typed_name=typed, **given))
    return _run(call, services.restore_client(subdomain=call.name, name=call.options["title"], **given))


def _copy(call: Call) -> dict[str, Any]:
    operation = services.copy_client(
        client_id=call.client.pk,
        subdomain=call.options["to"],
        owner_email=call.options["owner"],
        name=call.options["title"],
        actor=call.actor,
        send=call.options["background"],
    )
    return _run(call, operation)


def _delete(call: Call) -> dict[str, Any]:
    client, options = call.client, call.options
    if options["preview"]:
        return asdict(preview_deletion(client))
    client = services.request_deletion(
        client_id=client.pk,
        typed_name=options["confirm"],
        actor=call.actor,
        with_export=options["with_export"],
        immediately=options["now"],
        grace=options["grace"],
        send=options["background"],
    )
    if not options["now"]:
        call.out.write(f"{client.name} is closed, and goes on {client.delete_after:%d %B %Y at %H:%M} UTC.\n")
        return shown(client)
    operation = Operation.objects.unfinished().get(tenant_id=client.pk)
    outcome = _run(call, operation)
    certificate = DeletionCertificate.objects.filter(tenant_id=client.pk).first()
    return outcome if certificate is None else {**outcome, "certificate": certificate.pk}


def _keep(call: Call) -> dict[str, Any]:
    client = services.keep_client(client_id=call.client.pk, actor=call.actor)
    call.out.write(f"{client.name} is kept, archived; reopen it to let people in.\n")
    return shown(client)


def _operations(call: Call) -> dict[str, Any]:
    named = Q(tenant_label=call.name) | Q(options__subdomain=call.name)
    found = Operation.objects.filter(named)[: call.options["last"]]
    return {str(one.pk): " ".join(_summary(one)) for one in found}


def _certificate(call: Call) -> dict[str, Any]:
    found = DeletionCertificate.objects.filter(tenant_label=call.name).order_by("-issued_at").first()
    if found is None:
        raise Conflict(f"No certificate tells of a tenant that was called {call.name!r}.")
    return {"certificate": found.pk, "genuine": is_genuine(found), "seal": found.seal, **found.content}


def _summary(operation: Operation) -> list[str]:
    parts = [operation.kind, operation.status, f"{operation.percent} %", operation.at, operation.error]
    return [part for part in parts if part]


# Running with a progress line


def _run(call: Call, operation: Operation) -> dict[str, Any]:
    """Run an operation here, or leave it to a worker; raises NotDone when it failed."""
    if call.options["background"]:
        call.out.write(f"Sent to a worker. See `manage.py tenant operations {operation.tenant_label}`.\n")
        return told(operation)
    with _progress(call.out) as progress:
        line = progress.add_task(str(operation), total=None, at="")

        def show(hold: Hold) -> None:
            progress.update(line, completed=hold.rows, total=hold.total or None, at=hold.at)

        operation = services.run_operation(operation.pk, show)
    if operation.status == Operation.Status.WAITING:
        raise NotDone(f"{operation} could not be done now and a worker tries again: {operation.error}")
    if operation.status == Operation.Status.FAILED:
        raise NotDone(f"{operation} failed, and nothing was changed: {operation.error}")
    call.out.write(f"{operation}: done.\n")
    return told(operation)


def _progress(out: TextIO) -> Progress:
    terminal = sys.stderr.isatty()
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("rows  {task.fields[at]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(file=sys.stderr if terminal else out, force_terminal=terminal or None),
        disable=not terminal,
        transient=True,
    )


# Arguments


def _grace(text: str) -> timedelta:
    number, unit = text[:-1], text[-1:]
    units = {"m": 60, "h": 3600, "d": 86400}
    if not number.isdecimal() or unit not in units:
        raise ArgumentTypeError(f"{text!r} is no length of time: give a number with m, h or d, such as 30d")
    return timedelta(seconds=int(number) * units[unit])


def _arguments(*options: tuple[str, str, dict[str, Any]]) -> Add:
    def add(parser: ArgumentParser) -> None:
        for name, text, more in options:
            parser.add_argument(name, help=text, **more)
        parser.add_argument("--background", action="store_true", help="let a worker do it, and do not wait")

    return add


def _last(parser: ArgumentParser) -> None:
    parser.add_argument("--last", type=int, default=20, help="how many to show; 20 unless told")


FLAG: Final = {"action": "store_true"}
TITLE: Final = ("--title", "the name of the new tenant; that of the old one unless told", {"default": ""})

VERBS: Final[dict[str, Verb]] = {
    "export": Verb("write it into one archive", _export, _arguments()),
    "restore": Verb(
        "make a new tenant of this name from an archive, or put an archive into the one that is there",
        _restore,
        _arguments(
            ("--from", "the archive", {"dest": "archive", "required": True}),
            ("--replace", "the tenant is there: replace its rows and files", FLAG),
            ("--confirm", "with --replace: its subdomain, typed once more", {"default": ""}),
            ("--accept-foreign", "the archive was sealed elsewhere, and you trust where it comes from", FLAG),
            TITLE,
        ),
    ),
    "copy": Verb(
        "copy it as a sandbox, without its secrets and addresses",
        _copy,
        _arguments(
            ("--owner", "the e-mail address of the one person who may sign in", {"required": True}),
            ("--to", "the sandbox's subdomain; NAME-sandbox unless told", {"default": ""}),
            TITLE,
        ),
    ),
    "delete": Verb(
        "close it, and remove everything of it when the grace is over",
        _delete,
        _arguments(
            ("--preview", "count what would go, and change nothing", FLAG),
            ("--confirm", "its subdomain, typed once more", {"default": ""}),
            ("--with-export", "write an archive before the end", FLAG),
            ("--now", "without grace", FLAG),
            (
                "--grace",
                "how long it can be called off, such as 14d; DELETION_GRACE unless told",
                {"type": _grace},
            ),
        ),
    ),
    "keep": Verb("call its deletion off", _keep),
    "operations": Verb("what was and is being done with it as a whole", _operations, _last),
    "certificate": Verb("what went when it was deleted", _certificate),
}
