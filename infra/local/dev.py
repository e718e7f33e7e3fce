"""bin/dev: everything on this machine under one supervisor."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from config import env
from infra.local import instance
from infra.local.banner import banner
from infra.local.binaries import ServiceError
from infra.local.journey import walk
from infra.local.pango import ensure_pango
from infra.local.ports import LOOPBACK, free_port, is_free
from infra.local.postgres import Postgres
from infra.local.processes import PROCESSES, WHEN_TOLD
from infra.local.processes import command as command_of
from infra.local.reload import SourceWatcher
from infra.local.services import temporary_folder
from infra.local.supervisor import Child, Say, Service, Supervisor, end_leftovers
from infra.local.valkey import Valkey

READY_SECONDS = 90
MARKS = ("granian", "celery", "infra.local.processes", "billing.simulator", "subscribe_demo")
# The simulated Stripe begins empty, or with what was there before: plans are put on sale, and a demo tenant subscribes.
# With a real one people do that.
PUBLISH = [sys.executable, "manage.py", "subscribe_demo"]
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> int:
    """Parse, run, and turn every foreseeable failure into one sentence."""
    options = _options()
    os.umask(0o077)
    for number in SIGNALS:
        signal.signal(number, _interrupt)
    with contextlib.ExitStack() as stack:
        data = _data_folder(options, stack)
        try:
            with instance.exclusive(data):
                return _run(options, data)
        except (ServiceError, env.InvalidSetting) as error:
            print(error, file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            return 130 if options.check else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bin/dev", description="Run the whole platform on this machine.")
    parser.add_argument("--port", type=int, help="port of the web server (8000; with --check any free one)")
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder of databases and files (.rowhouse)")
    parser.add_argument("--reset", action="store_true", help="delete the data first, after asking")
    parser.add_argument("--yes", action="store_true", help="answer --reset's question")
    parser.add_argument("--reload", action="store_true", help="restart the processes when the code changes")
    parser.add_argument("--check", action="store_true", help="walk a journey over HTTP, then stop: 0 or 1")
    return parser.parse_args()


def _data_folder(options: argparse.Namespace, stack: contextlib.ExitStack) -> Path:
    if options.data is not None:
        return Path(options.data).expanduser().resolve()
    if options.check:
        return stack.enter_context(temporary_folder())
    return env.directory("DATA_DIR").resolve()


def _run(options: argparse.Namespace, data: Path) -> int:
    end_leftovers(data / "processes.json", MARKS)
    if options.reset:
        _reset(options, data)
    given = instance.given_values()
    port = _port(options, given)
    values = instance.defaults(data, port) | instance.simulated(given, port) | given | {"WEB_PORT": str(port)}
    with contextlib.ExitStack() as stack:
        try:
            return _serve(options, data, values, stack)
        finally:
            _ignore_signals()


def _serve(
    options: argparse.Namespace, data: Path, values: dict[str, str], stack: contextlib.ExitStack
) -> int:
    began, port = time.monotonic(), int(values["WEB_PORT"])
    services = _start_services(values, data, stack)
    instance.enter(values)
    environment = instance.run_time_environment()
    instance.write_env_file(data, environment)
    demo = _prepared(environment | {"DATABASE_URL": values["DATABASE_URL"]}, data, own="postgres" in services)
    supervisor = _supervisor(environment, services, data, quiet=options.check)
    stack.callback(supervisor.stop)
    # The others would only slow the start of what a person waits for.
    supervisor.start("web")
    _wait_until_ready(supervisor, port)
    supervisor.start("worker", "courier", "beat", "simulator", "plans")
    if options.check:
        return _check(supervisor, port, demo, time.monotonic() - began)
    print(banner(demo, data, port, time.monotonic() - began), flush=True)
    _tend(supervisor, reload=options.reload)
    return 0


def _port(options: argparse.Namespace, given: dict[str, str]) -> int:
    if options.port is None and options.check:
        return free_port()
    port = int(options.port or given.get("WEB_PORT", "8000"))
    if not is_free(port):
        raise ServiceError(
            f"Port {port} is in use by another program. Choose another: bin/dev --port {port + 1}"
        )
    return port


def _reset(options: argparse.Namespace, data: Path) -> None:
    if not options.yes:
        if not sys.stdin.isatty():
            raise ServiceError(f"--reset deletes all data in {data}; add --yes, as nobody can be asked here.")
        if input(f"Delete all data in {data}? [y/N] ").strip().lower() not in ("y", "yes"):
            raise ServiceError("Nothing was deleted.")
    instance.reset(data)


def _start_services(values: dict[str, str], data: Path, stack: contextlib.ExitStack) -> dict[str, Service]:
    """Start what the user did not name a server for; `values` receives the URLs."""
    ensure_pango()
    services: dict[str, Service] = {}
    for variable, make in {"DATABASE_URL": Postgres, "REDIS_URL": Valkey}.items():
        if values.get(variable):
            continue
        service = make(data)
        stack.callback(service.stop)
        service.start()
        values[variable] = service.url
        services[make.__name__.lower()] = service
    return services


def _prepared(environment: dict[str, str], data: Path, *, own: bool) -> dict[str, Any]:
    """The demo's hosts and logins; the database is prepared unless nothing has changed since it was."""
    mark, demo = data / "prepared", data / "demo.json"
    now = instance.fingerprint(data) if own else ""
    if not (own and mark.exists() and mark.read_text() == now and demo.exists()):
        mark.unlink(missing_ok=True)
        instance.write_private(demo, _prepare(environment))
        instance.write_private(mark, now)
    answer: dict[str, Any] = json.loads(demo.read_text())
    return answer


def _prepare(environment: dict[str, str]) -> str:
    """Logins, tables and the demo, in one process: the only one that gets the administrator's login."""
    print("Preparing the database: tables, and tenants to look at …", flush=True)
    command = [sys.executable, "manage.py", "prepare", "--demo", "--json"]
    options: dict[str, Any] = {"cwd": env.ROOT, "env": environment, "start_new_session": True}
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, **options)
    if done.returncode:
        raise ServiceError("The database could not be prepared; `manage.py prepare --demo` says why above.")
    return str(done.stdout)


def _supervisor(
    environment: dict[str, str], services: dict[str, Service], data: Path, *, quiet: bool
) -> Supervisor:
    is_simulated = environment["STRIPE_API_KEY"] == instance.SIMULATED_KEY
    names = [name for name in PROCESSES if is_simulated or name != "simulator"]
    say = Say([*names, *services], quiet=quiet)
    children = [Child(name, [*command_of(name), WHEN_TOLD], environment, say) for name in names]
    if is_simulated:
        children.append(Child("plans", PUBLISH, environment, say, once=True))
    return Supervisor(children, services, data / "processes.json", say)


def _wait_until_ready(supervisor: Supervisor, port: int) -> None:
    if not supervisor.run(until=lambda: _is_ready(port), seconds=READY_SECONDS):
        last = "\n".join(supervisor.say.last[-40:])
        raise ServiceError(
            f"The web server was not ready within {READY_SECONDS} s. The last lines were:\n{last}"
        )


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _check(supervisor: Supervisor, port: int, demo: dict[str, Any], seconds: float) -> int:
    """Walk the journey beside the supervisor, which goes on tending."""
    print(f"{'ready':<58}{seconds * 1000:>8.0f} ms", flush=True)
    tasks = [child for child in supervisor.children if child.once]
    outcome: list[bool] = []
    walker = threading.Thread(target=lambda: outcome.append(walk(port, demo)), daemon=True)
    walker.start()
    supervisor.run(until=lambda: not walker.is_alive())
    published = supervisor.run(until=lambda: all(task.is_done for task in tasks), seconds=READY_SECONDS)
    if outcome == [True] and published:
        return 0
    print("\nThe processes' last lines:", *supervisor.say.last[-60:], sep="\n", file=sys.stderr)
    return 1


def _tend(supervisor: Supervisor, *, reload: bool) -> None:
    watcher = SourceWatcher(env.ROOT)
    while True:
        supervisor.run(until=watcher.has_changed if reload else lambda: False)
        print("The code has changed: everything starts again.", flush=True)
        supervisor.restart()


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _ignore_signals() -> None:
    """The way out must not be cut short by an impatient second Ctrl-C."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


if __name__ == "__main__":
    sys.exit(main())
