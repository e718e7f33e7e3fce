"""The supervisor: starts, restarts, stops, and clears up after one that was killed."""

import io
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from infra.local import pids
from infra.local.supervisor import Child, Say, Supervisor, end_leftovers
from tests.waiting import LIMIT

SLEEP = [sys.executable, "-uc", "print('up'); import time; time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-uc",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up'); time.sleep(60)",
]
WITH_A_CHILD = [
    sys.executable,
    "-uc",
    "import subprocess; p = subprocess.Popen(['sleep', '60']); print('child', p.pid); p.wait()",
]


@pytest.fixture
def supervise(tmp_path):
    """Make a supervisor of these commands; it is stopped at the end."""
    made = []

    def make(services=None, **commands):
        say = Say(list(commands), stream=io.StringIO())
        children = [Child(name, command, dict(os.environ), say) for name, command in commands.items()]
        made.append(Supervisor(children, services or {}, tmp_path / "processes.json", say))
        return made[-1]

    yield make
    for supervisor in made:
        supervisor.stop()


def said(supervisor, *words):
    return lambda: all(any(word in line for line in supervisor.say.last) for word in words)


def test_each_line_carries_the_name_of_its_process(supervise):
    supervisor = supervise(web=SLEEP, worker=SLEEP)
    supervisor.start()
    assert supervisor.run(until=said(supervisor, "web    | up", "worker | up"), seconds=LIMIT)


def test_a_terminal_gets_colours_unless_they_are_not_wanted(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.delenv("NO_COLOR", raising=False)
    terminal = Terminal()
    Say(["web"], stream=terminal)("web", "up")
    assert terminal.getvalue() == "\x1b[36mweb | \x1b[0mup\n"
    monkeypatch.setenv("NO_COLOR", "1")
    terminal = Terminal()
    Say(["web"], stream=terminal)("web", "\x1b[1mup\x1b[0m")
    assert terminal.getvalue() == "web | up\n"


def test_a_killed_child_starts_again_and_a_failing_one_ever_more_slowly(supervise, monkeypatch):
    monkeypatch.setattr("infra.local.supervisor.BACKOFF", (0.05, 0.3))
    supervisor = supervise(web=SLEEP, worker=[sys.executable, "-c", "raise SystemExit(3)"])
    supervisor.start()
    assert supervisor.run(until=said(supervisor, "web    | up"), seconds=LIMIT)
    first = supervisor.children[0].process.pid
    os.kill(first, signal.SIGKILL)
    wanted = said(
        supervisor, "web    | ended with SIGKILL; starts again in 0.05 s", "status 3; starts again in 0.3 s"
    )
    assert supervisor.run(until=wanted, seconds=LIMIT)
    assert supervisor.run(until=lambda: supervisor.children[0].process is not None, seconds=LIMIT)
    assert supervisor.children[0].process.pid != first


def test_a_task_is_done_once_and_begun_again_only_after_a_failure(supervise, tmp_path):
    tried = str(tmp_path / "tried")
    code = f"import pathlib, sys; p = pathlib.Path({tried!r}); sys.exit(0 if p.exists() else p.touch() or 7)"
    supervisor = supervise(task=[sys.executable, "-c", code])
    (task,) = supervisor.children
    task.once = True
    supervisor.start()
    assert supervisor.run(until=lambda: task.is_done, seconds=LIMIT)
    assert said(supervisor, "ended with status 7; starts again")()
    supervisor.tend()
    assert task.process is None


def test_stopping_takes_the_grandchildren_along_and_kills_the_stubborn(supervise, monkeypatch):
    monkeypatch.setattr("infra.local.supervisor.STOP_SECONDS", 0.5)
    supervisor = supervise(web=STUBBORN, worker=WITH_A_CHILD)
    supervisor.start()
    assert supervisor.run(until=said(supervisor, "web    | up", "child"), seconds=LIMIT)
    grandchild = next(int(line.split()[-1]) for line in supervisor.say.last if "child" in line)
    groups = [child.process.pid for child in supervisor.children]
    began = time.monotonic()
    supervisor.stop()
    assert time.monotonic() - began < 30
    assert said(supervisor, "did not stop in time")()
    assert not any(pids.group(pgid) for pgid in groups)
    assert pids.start_time(grandchild) is None
    assert not supervisor.record.exists()


def test_a_dead_service_is_started_again_before_the_children_miss_it(supervise):
    class Service:
        process = subprocess.Popen(["true"])
        starts = 0

        def start(self):
            self.process, self.starts = subprocess.Popen(["sleep", "60"]), self.starts + 1

    service = Service()
    service.process.wait()
    supervisor = supervise(services={"postgres": service}, web=SLEEP)
    supervisor.start()
    supervisor.tend()
    supervisor.tend()
    service.process.kill()
    service.process.wait()
    assert service.starts == 1


def test_new_code_starts_every_child_anew(supervise):
    supervisor = supervise(web=SLEEP)
    supervisor.start()
    before = supervisor.children[0].process.pid
    supervisor.restart()
    assert supervisor.children[0].process.pid != before
    assert list(json.loads(supervisor.record.read_text())) == [str(supervisor.children[0].process.pid)]


def test_a_child_is_told_to_begin_when_it_is_on_record(supervise, tmp_path):
    record = str(tmp_path / "processes.json")
    code = f"import sys; print(sys.stdin.read(1) == chr(10), open({record!r}).read())"
    supervisor = supervise(web=[sys.executable, "-uc", code])
    supervisor.start()
    assert supervisor.run(
        until=said(supervisor, f'True {{"{supervisor.children[0].process.pid}": "'), seconds=LIMIT
    )


def test_what_a_killed_supervisor_left_running_is_ended(supervise):
    supervisor = supervise(web=WITH_A_CHILD)
    supervisor.start()
    assert supervisor.run(until=said(supervisor, "child"), seconds=LIMIT)
    leader = supervisor.children[0].process
    assert end_leftovers(supervisor.record, ["sleep"]) == 1
    leader.wait(LIMIT)
    assert not pids.group(leader.pid), "somebody of the group was left"
    assert not supervisor.record.exists()


def test_members_of_a_group_whose_leader_died_are_ended_too(supervise):
    supervisor = supervise(web=WITH_A_CHILD)
    supervisor.start()
    assert supervisor.run(until=said(supervisor, "child"), seconds=LIMIT)
    leader = supervisor.children[0].process
    leader.kill()
    leader.wait()
    assert end_leftovers(supervisor.record, ["granian"]) == 0
    supervisor._remember()
    record = {str(leader.pid): "an earlier time"}
    supervisor.record.write_text(json.dumps(record))
    assert end_leftovers(supervisor.record, ["sleep"]) == 1
    assert not pids.group(leader.pid), "somebody of the group was left"


def test_a_strangers_process_with_a_recorded_pid_is_left_alone(tmp_path):
    stranger = subprocess.Popen(["sleep", "60"], start_new_session=True)
    record = tmp_path / "processes.json"
    record.write_text(json.dumps({str(stranger.pid): "another time"}))
    try:
        assert end_leftovers(record, ["sleep"]) == 0
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


@pytest.mark.parametrize("content", [None, "", "{half"])
def test_a_missing_or_broken_record_means_no_leftovers(tmp_path, content):
    if content is not None:
        (tmp_path / "processes.json").write_text(content)
    assert end_leftovers(tmp_path / "processes.json", []) == 0
