"""bin/test itself, its browser, and the environment that both commands make."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.local import chromium, environment, verify
from infra.local.reload import SourceWatcher
from tests.waiting import wait_until


def runner(code, said=""):
    return lambda: subprocess.CompletedProcess([], code, said)


@pytest.fixture
def pytest_calls(monkeypatch):
    """What pytest would have been told; it is not run within itself."""
    calls = []

    def remember(*arguments):
        calls.append(arguments)
        return 0

    monkeypatch.setattr(verify, "_pytest", remember)
    monkeypatch.setattr(verify, "ensure_chromium", lambda: None)
    monkeypatch.setattr(verify, "ensure_pango", lambda: True)
    return calls


def test_everything_goes_on_after_a_failure_and_fails_at_the_end(monkeypatch, pytest_calls, capsys):
    checks = {"lint": runner(0), "format": runner(1, "line 3 is wrong"), "imports": runner(0)}
    monkeypatch.setattr(verify, "_checks", lambda: checks)
    assert verify.main([]) == 1
    said = capsys.readouterr().out
    assert [line.split()[:2] for line in said.splitlines() if line.endswith(" s")] == [
        ["ok", "lint"],
        ["FAILED", "format"],
        ["ok", "imports"],
    ]
    assert "line 3 is wrong" in said
    assert said.rstrip().endswith("Failed: format. The tests run all the same.")
    assert pytest_calls[0][0] == "--numprocesses"


def test_the_tests_do_not_wait_for_the_types_and_both_count(monkeypatch, pytest_calls, capsys):
    def wrong():
        wait_until(lambda: pytest_calls)
        return runner(1, "line 3 is wrong")()

    monkeypatch.setattr(verify, "_checks", lambda: {"types": wrong, "lint": runner(0)})
    assert verify.main([]) == 1
    said = capsys.readouterr().out
    assert said.split()[:2] == ["ok", "lint"]
    assert said.index("FAILED  types") < said.index("line 3 is wrong")


@pytest.mark.parametrize(
    ("arguments", "cheap", "covered"), [([], False, False), ([], True, True), (["--coverage"], False, True)]
)
def test_coverage_is_measured_where_it_is_cheap_or_asked_for(
    monkeypatch, pytest_calls, arguments, cheap, covered
):
    monkeypatch.setattr(verify, "_checks", dict)
    monkeypatch.setattr(verify, "COVERAGE_IS_CHEAP", cheap)
    verify.main(arguments)
    assert ("--cov" in pytest_calls[0]) is covered


def test_with_arguments_only_pytest_runs_with_them(pytest_calls, capsys):
    assert verify.main(["tests/orders", "-k", "place"]) == 0
    assert pytest_calls == [("tests/orders", "-k", "place")]
    assert capsys.readouterr().out == ""


def test_each_check_runs_with_the_settings_of_production_and_not_of_the_developer(monkeypatch):
    monkeypatch.setenv("DEBUG", "true")
    monkeypatch.setenv("STRIPE_API_KEY", "sk_live_12345678")
    program = "import os; print(os.environ.get('DEBUG'), os.environ.get('STRIPE_API_KEY'), os.environ['PUBLIC_SCHEME'])"
    assert verify._run([sys.executable, "-c", program]).stdout == "None None https\n"


def test_every_check_names_a_program_that_exists():
    assert set(verify._checks()) == {
        "types",
        "lint",
        "format",
        "templates",
        "imports",
        "migrations",
        "migration safety",
        "deployment",
        "API: openapi.yaml",
        "API: openapi-public.yaml",
    }
    assert Path(verify._script("lint-imports")[0]).exists()


@pytest.mark.parametrize(("committed", "code"), [("openapi: 3.1.0\n", 0), ("openapi: 3.0.0\n", 1), (None, 1)])
def test_an_api_that_differs_from_its_snapshot_shows_how_and_the_command(
    monkeypatch, tmp_path, committed, code
):
    snapshot, other = tmp_path / "openapi.yaml", tmp_path / "another.yaml"
    if committed:
        snapshot.write_text(committed)
    monkeypatch.setattr(verify, "SNAPSHOTS", {snapshot: ["3.1.0"], other: ["3.1.1"]})
    monkeypatch.setattr(verify, "ROOT", tmp_path)
    write = "import pathlib, sys; pathlib.Path(sys.argv[1]).write_text(f'openapi: {sys.argv[2]}\\n')"
    draw = [sys.executable, "-c", write]
    monkeypatch.setattr(verify, "_spectacular", lambda target, options: [*draw, str(target), *options])
    done = verify._compare_snapshot(snapshot, ["3.1.0"])
    assert done.returncode == code
    assert ("bin/test --write-openapi" in done.stdout) is bool(code)
    assert verify.main(["--write-openapi"]) == 0
    assert [path.read_text() for path in (snapshot, other)] == ["openapi: 3.1.0\n", "openapi: 3.1.1\n"]


@pytest.fixture
def empty_path(monkeypatch, tmp_path):
    """A PATH that holds only what a test puts there."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(chromium, "MAC", tmp_path / "no-mac")
    return tmp_path


def program(folder, name, script):
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def test_a_chromium_on_the_machine_is_taken(empty_path):
    program(empty_path, "chromium-browser", "true")
    assert chromium.ensure_chromium() == str(empty_path / "chromium-browser")


def test_without_a_chromium_and_without_root_the_notice_says_what_to_do(empty_path, monkeypatch, capsys):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert chromium.ensure_chromium() is None
    assert "apt-get install chromium. They are skipped, or fail when CI=true." in capsys.readouterr().out


@pytest.mark.skipif(not Path("/etc/debian_version").exists(), reason="Debian installs it")
def test_root_on_debian_installs_it(empty_path, monkeypatch, capsys):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    program(empty_path, "apt-get", f'[ "$1" = update ] || printf "" > {empty_path}/told')
    assert chromium.ensure_chromium() is None
    assert (empty_path / "told").exists()
    program(empty_path, "apt-get", "echo no network; exit 100")
    assert chromium.ensure_chromium() is None
    assert "no network" in capsys.readouterr().out


def test_an_environment_is_current_when_it_was_completely_made_from_this_lock(tmp_path):
    assert not environment.is_current(tmp_path)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python").symlink_to(sys.executable)
    (tmp_path / "lock-digest").write_text(environment._digest())
    assert environment.is_current(tmp_path)
    (tmp_path / "lock-digest").write_text("of an older lock")
    assert not environment.is_current(tmp_path)


def test_a_made_environment_is_used_without_another_install(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    monkeypatch.setattr(environment, "is_current", lambda place: True)
    environment.main([])
    assert capsys.readouterr().out == f"{tmp_path}/.venv/bin/python\n"


def test_an_interrupted_install_is_done_again_and_a_failing_one_shows_why(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    (tmp_path / ".venv").mkdir()
    fail = [sys.executable, "-c", "print('hash mismatch'); raise SystemExit(1)"]
    monkeypatch.setattr(environment, "_with_pip", lambda place, python: [fail])
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(SystemExit, match="hash mismatch\n\nThis did not work"):
        environment.main([])
    monkeypatch.setattr(environment, "_with_pip", lambda place, python: [[sys.executable, "-c", ""]])
    environment.main([])
    assert (tmp_path / ".venv/lock-digest").read_text() == environment._digest()


def test_pip_and_uv_want_the_hashes_of_the_lock(tmp_path):
    python = Path(sys.executable)
    for commands in (environment._with_pip(tmp_path, python), environment._with_uv(tmp_path, python)):
        assert "--require-hashes" in commands[-1]
        assert str(environment.LOCK) in commands[-1]
    new = environment._with_uv(tmp_path, tmp_path / "bin/python")
    assert new[0][:2] == ["uv", "venv"]


def test_a_python_without_ensurepip_helps_itself_with_its_pip_or_says_what_to_install(monkeypatch, tmp_path):
    there = {"pip"}
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name in there or None)
    make, install = environment._with_pip(tmp_path, tmp_path / "bin/python")
    assert "--without-pip" in make
    assert install[1:4] == ["-m", "pip", "--python"]
    there.clear()
    with pytest.raises(SystemExit, match="apt-get install python3-venv"):
        environment._with_pip(tmp_path, tmp_path / "bin/python")


def test_in_somebody_elses_checkout_the_environment_goes_into_the_data_folder(monkeypatch, tmp_path):
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    monkeypatch.setattr("os.access", lambda *asked: False)
    data = tmp_path / "mine"
    assert environment._place(["--check", "--data", str(data)]) == data / "venv"
    assert environment._place([f"--data={data}"]) == data / "venv"
    with pytest.raises(SystemExit, match="bin/dev --data DIR"):
        environment._place(["--check"])


def test_a_change_of_code_is_noticed_once(monkeypatch, tmp_path):
    monkeypatch.setattr("infra.local.reload.PAUSE", 0)
    (tmp_path / "config").mkdir()
    watcher = SourceWatcher(tmp_path)
    assert not watcher.has_changed()
    (tmp_path / "config/new.py").write_text("")
    assert watcher.has_changed()
    assert not watcher.has_changed()
    watcher.looked_at += 3600
    (tmp_path / "config/new.py").unlink()
    assert not watcher.has_changed()


def test_the_shell_part_refuses_an_old_python(tmp_path):
    for name in ("python", "python3"):
        program(tmp_path, name, "exit 1")
    script = f". {environment.ROOT}/infra/local/environment.sh"
    done = subprocess.run(
        ["/bin/sh", "-c", script], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "Python 3.11 or later is needed" in done.stderr
