"""The table of processes, and where their settings come from."""

import os
import subprocess
import sys

import pytest

from config import env
from config.variables import VARIABLES
from infra.local import instance, processes
from infra.local.banner import banner
from infra.local.binaries import ServiceError
from infra.local.postgres import Postgres


@pytest.fixture(autouse=True)
def environ(tmp_path):
    """An environment that holds a data folder and a database, and nothing else of ours."""
    with pytest.MonkeyPatch.context() as patch:
        for name in VARIABLES:
            patch.delenv(name, raising=False)
        patch.setenv("ENV_FILES", "false")
        patch.setenv("SECRET_KEY", "k" * 60)
        patch.setenv("DATA_DIR", str(tmp_path))
        patch.setenv("DATABASE_URL", "postgresql://root:administrators-password@db/shop")
        yield patch


def test_web_worker_and_beat_take_their_size_from_the_environment(environ):
    environ.setenv("WEB_WORKERS", "3")
    environ.setenv("WEB_PORT", "8123")
    environ.setenv("WORKER_CONCURRENCY", "5")
    web, worker, beat = processes.web(), processes.worker(), processes.beat()
    assert (web[0], web[-1]) == ("granian", "config.wsgi:application")
    assert web[web.index("--workers") + 1] == "3"
    assert web[web.index("--port") + 1] == "8123"
    assert worker[worker.index("--concurrency") + 1] == "5"
    assert beat[beat.index("--schedule") + 1].startswith(os.environ["DATA_DIR"])


def test_becoming_a_process_leaves_no_parent_behind(environ):
    became = []
    environ.setattr(os, "execv", lambda *arguments: became.append(arguments))
    processes.main(["beat"])
    assert became[0][1][:4] == [sys.executable, "-m", "celery", "--app"]


@pytest.mark.parametrize("arguments", [[], ["database"], ["web", "worker"]])
def test_an_unknown_process_is_refused_with_the_known_ones(arguments):
    with pytest.raises(SystemExit, match="web, worker, courier, beat"):
        processes.main(arguments)


def test_a_wrong_setting_ends_a_process_with_one_sentence(environ):
    environ.setenv("WEB_WORKERS", "none")
    with pytest.raises(SystemExit, match="WEB_WORKERS='none' cannot be used"):
        processes.main(["web"])


def test_run_time_processes_never_get_the_administrators_login(environ):
    environment = instance.run_time_environment()
    assert "DATABASE_URL" not in environment
    assert not any("administrators-password" in value for value in environment.values())
    for alias, login in env.LOGINS.items():
        assert environment[f"{alias.upper()}_DATABASE_URL"].startswith(f"postgresql://{login}:")


def test_the_env_file_is_private_and_lets_manage_py_find_its_way(tmp_path):
    instance.write_env_file(tmp_path, instance.run_time_environment() | {"WEB_PORT": "8123"})
    assert (tmp_path / "env").stat().st_mode & 0o777 == 0o600
    values = env.read_env_file(tmp_path / "env")
    assert values["WEB_PORT"] == "8123"
    assert set(values) >= {"SECRET_KEY", "MIGRATOR_DATABASE_URL", "CONTROL_DATABASE_URL", "APP_DATABASE_URL"}
    assert "DATABASE_URL" not in values


def test_entering_an_installation_checks_every_value(tmp_path):
    values = instance.defaults(tmp_path, 8123)
    instance.enter(values | {"DATABASE_URL": "postgresql://db/shop"})
    assert env.integer("PUBLIC_PORT") == 8123
    assert instance.defaults(tmp_path, 8123)["SECRET_KEY"] == values["SECRET_KEY"]
    with pytest.raises(env.InvalidSetting, match="LOG_LEVEL='loud'"):
        instance.enter(values | {"LOG_LEVEL": "loud"})


def test_entering_an_installation_leaves_the_addresses_of_the_start_before_behind(environ, tmp_path):
    environ.delenv("ENV_FILES")
    env.forget_files()
    (tmp_path / "env").write_text("MIGRATOR_DATABASE_URL=postgresql://rowhouse_migrator:x@db:1111/shop\n")
    assert env.url("MIGRATOR_DATABASE_URL").endswith(":1111/shop")
    instance.enter(instance.defaults(tmp_path, 8123) | {"DATABASE_URL": "postgresql://root:x@db:2222/shop"})
    assert ":2222/shop" in instance.run_time_environment()["MIGRATOR_DATABASE_URL"]


def test_a_simulated_stripe_is_for_those_who_name_no_real_one():
    assert instance.simulated({"STRIPE_API_KEY": "sk_test_12345678"}, 8000) == {}
    values = instance.simulated({"SIMULATOR_PORT": "8124"}, 8000)
    assert (values["STRIPE_ADDRESS"], values["SIMULATOR_PORT"]) == ("http://127.0.0.1:8124", "8124")
    assert instance.simulated({}, 65_000)["SIMULATOR_PORT"] != "69111"


def test_a_data_folder_serves_one_at_a_time(tmp_path):
    other = [sys.executable, "-c", HOLD.format(str(tmp_path))]
    with subprocess.Popen(other, cwd=env.ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(ServiceError, match=rf"process {holder.pid}.*--data DIR --port N"):
            instance.exclusive(tmp_path).__enter__()
        holder.stdin.close()
    with instance.exclusive(tmp_path):
        pass


HOLD = """
import pathlib, sys
from infra.local import instance
with instance.exclusive(pathlib.Path({!r})):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_data_folder_that_cannot_be_used_says_what_to_do(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ServiceError, match="Name another: --data DIR"):
        instance.exclusive(tmp_path / "file").__enter__()


def test_reset_deletes_what_bin_dev_made_and_nothing_else(tmp_path):
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres/PG_VERSION").write_text("18")
    (tmp_path / "env").write_text("")
    (tmp_path / "beat-schedule.db").write_text("")
    (tmp_path / "thesis.txt").write_text("years of work")
    instance.reset(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_prepared_database_is_prepared_anew_for_other_code_keys_or_addresses(tmp_path, environ):
    (tmp_path / "secret-key").write_text("key")
    (tmp_path / "postgres-password").write_text("password")
    environ.setattr(instance, "SOURCES", ("code",))
    environ.setattr(env, "ROOT", tmp_path)
    (tmp_path / "code").mkdir()
    seen = [instance.fingerprint(tmp_path)]
    assert instance.fingerprint(tmp_path) == seen[0]
    (tmp_path / "code/new.py").write_text("new = 1")
    seen.append(instance.fingerprint(tmp_path))
    (tmp_path / "postgres-password").write_text("another cluster's")
    seen.append(instance.fingerprint(tmp_path))
    environ.setenv("PUBLIC_PORT", "8001")
    seen.append(instance.fingerprint(tmp_path))
    assert len(set(seen)) == 4


def test_the_banner_has_what_a_person_needs_and_says_where_a_database_had_to_go(tmp_path, environ):
    demo = {
        "operators": [{"email": "op@platform.example", "password": "pw"}],
        "tenants": [
            {
                "host": "acme.localhost",
                "url": "http://acme.localhost:8123/",
                "users": [{"email": "owner@acme.example", "password": "pw", "role": "owner"}],
                "api_tokens": [{"name": "Demo", "token": "rwh_x", "scopes": ["a", "b"]}],
            }
        ],
    }
    environ.setattr(Postgres, "home", lambda self: tmp_path / "elsewhere")
    said = banner(demo, tmp_path, 8123, 1.94)
    for words in (
        "after 1.9 s",
        "http://localhost:8123/admin/",
        "op@platform.example  pw",
        "http://acme.localhost:8123/",
        "owner@acme.example  pw  (owner)",
        "rwh_x  (Demo, 2 scopes)",
        "elsewhere, because nobody but root",
    ):
        assert words in said


def test_a_process_whose_supervisor_is_gone_before_it_begins_ends() -> None:
    command = [*processes.command("simulator"), processes.WHEN_TOLD]
    done = subprocess.run(
        command, cwd=env.ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (1, "Whoever started this process has ended before it began.\n")
