"""bin/dev as a person runs it: started, killed, started again for its journey. (The soak ends it by Ctrl-C.)"""

import argparse
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from config import env
from config.variables import VARIABLES
from infra.local import dev as program
from infra.local import instance, pids
from infra.local.processes import PROCESSES
from infra.local.services import temporary_folder
from tests.infra.running import RUNS, at_work_in, dev, ended, mentioning, needs_proc, wait_for, watchdog
from tests.waiting import wait_until


def environment_of(pid: int) -> dict[str, str]:
    pairs = Path(f"/proc/{pid}/environ").read_text().split("\0")
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)


def run(*arguments: str | Path) -> tuple[int, str]:
    process = dev(*arguments)
    with watchdog(process):
        said, _ = process.communicate()
    return process.returncode, said


@needs_proc
def test_it_is_killed_starts_again_walks_its_journey_and_leaves_no_trace(data: Path, port: int) -> None:
    with ended(dev("--data", data, "--port", str(port))) as first:
        said = wait_for(first, RUNS)
        assert f"http://localhost:{port}/sign-up/" in said
        assert f"http://acme.localhost:{port}" in said

        refuses_a_second_one(data, port)
        keeps_the_administrators_login_to_itself(data)
        lets_manage_py_work_beside_it(data)
        brings_back_what_is_killed(first, data)
    assert mentioning(data), "a killed supervisor leaves its processes, or this test shows nothing"

    with ended(dev("--check", "--data", data, "--port", str(port))) as second:
        said = wait_for(second, "ready ")
        # One that has just been started may not have its own name yet; one too many would stay.
        once = dict.fromkeys(PROCESSES, 1)
        wait_until(
            lambda: running(data) == once, "not every process is there once", found=lambda: running(data)
        )
        with watchdog(second):
            said += second.communicate()[0]
    assert second.returncode == 0, said
    assert "a suspended company is closed within 2 s" in said
    assert at_work_in(data) == []


def refuses_a_second_one(data: Path, port: int) -> None:
    code, said = run("--data", data)
    assert code == 1
    assert re.search(r"bin/dev \(process \d+\) already runs on .*--data DIR --port N", said)
    with temporary_folder() as other:
        code, said = run("--data", other, "--port", str(port))
    assert code == 1
    assert said.strip().endswith(
        f"Port {port} is in use by another program. Choose another: bin/dev --port {port + 1}"
    )


def keeps_the_administrators_login_to_itself(data: Path) -> None:
    password = (data / "postgres-password").read_text()
    leaders = [pid for pid in mentioning(data) if "config" in pids.command_line(pid)]
    assert len(leaders) >= 3
    for environment in map(environment_of, leaders):
        assert "DATABASE_URL" not in environment
        assert not any(password in value for value in environment.values())
        assert environment["APP_DATABASE_URL"].startswith("postgresql://rowhouse_app:")


def lets_manage_py_work_beside_it(data: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    command = [sys.executable, "manage.py", "check", "--database", "control"]
    done = subprocess.run(
        command,
        cwd=env.ROOT,
        env=environment | {"DATA_DIR": str(data)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def brings_back_what_is_killed(process: "subprocess.Popen[str]", data: Path) -> None:
    beat = next(pid for pid in mentioning(data) if "beat-schedule" in pids.command_line(pid))
    os.kill(beat, signal.SIGKILL)
    wait_for(process, "ended with SIGKILL; starts again")
    wait_until(lambda: running(data)["beat"] == 1, "beat was not started again")


def running(data: Path) -> dict[str, int]:
    """How many leaders of each process are there."""
    leaders = [pid for pid in mentioning(data) if os.getpgid(pid) == pid]
    commands = [
        pids.command_line(pid).replace("granian", "web").replace("billing.simulator", "simulator")
        for pid in leaders
    ]
    # The courier is a worker of a queue of its own.
    names = [
        command.replace("worker", "courier") if "courier@" in command else command for command in commands
    ]
    return {name: sum(name in command.split() for command in names) for name in PROCESSES}


def test_a_check_takes_any_free_port_unless_one_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "free_port", lambda: 4242)
    monkeypatch.setattr(program, "is_free", lambda port: True)

    def chosen(named: int | None, *, check: bool) -> int:
        return program._port(argparse.Namespace(port=named, check=check), {"WEB_PORT": "8000"})

    assert chosen(None, check=True) == 4242
    assert chosen(8001, check=True) == chosen(8001, check=False) == 8001
    assert chosen(None, check=False) == 8000


def test_a_database_is_prepared_again_only_when_something_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def prepare(environment: dict[str, str]) -> str:
        made.append("again")
        return '{"tenants": []}'

    monkeypatch.setattr(program, "_prepare", prepare)
    for now, times in (("as it was", 1), ("as it was", 1), ("another address", 2)):
        monkeypatch.setattr(instance, "fingerprint", lambda data, now=now: now)
        assert program._prepared({}, tmp_path, own=True) == {"tenants": []}
        assert len(made) == times
    program._prepared({}, tmp_path, own=False)
    assert len(made) == 3, "a server of the user's may have been emptied meanwhile"


def test_reset_asks_and_without_anybody_to_ask_deletes_nothing(data: Path) -> None:
    data.mkdir(exist_ok=True)
    (data / "env").touch()
    code, said = run("--data", data, "--reset")
    assert code == 1
    assert "add --yes" in said
    assert (data / "env").exists()
