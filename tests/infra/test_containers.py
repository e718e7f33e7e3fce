"""The container files, read as text: no engine runs in the tests, but what the files name has to be true."""

import ast
import importlib.metadata
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from config import env
from config.variables import VARIABLES
from infra.local import processes
from infra.local.ports import free_port
from tests.waiting import LIMIT, wait_until

INFRA = env.ROOT / "infra"
DOCKERFILES = sorted(INFRA.rglob("Dockerfile"))
OURS = ("prepare", "web", "worker", "courier", "beat")
PROCESSES = ("web", "worker", "courier", "beat")
IMPORT = re.compile(r"^\s*(?:from\s+(\w+)[\w.]*\s+import\b|import\s+(\w+))", re.MULTILINE)
SERVED_PACKAGES = ("config", "tenants", "shared_apps", "billing", "tenant_apps", "infra")


@cache
def compose() -> dict[str, Any]:
    """The compose file."""
    content: dict[str, Any] = yaml.safe_load((INFRA / "compose.yaml").read_text())
    return content


def service(name: str) -> dict[str, Any]:
    """One service of the compose file."""
    found: dict[str, Any] = compose()["services"][name]
    return found


every_service = pytest.mark.parametrize("name", sorted(compose()["services"]))
every_dockerfile = pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.parent.name)


# The compose file


def test_the_compose_file_has_every_part_of_the_platform() -> None:
    assert set(compose()["services"]) == {*OURS, "postgres", "valkey", "pgbouncer", "caddy"}


@every_service
def test_a_container_can_change_nothing_but_its_volumes(name: str) -> None:
    options = service(name)
    assert options["read_only"] is True
    assert options["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in options["security_opt"]
    assert not options.keys() & {"privileged", "cap_add", "network_mode", "pid", "devices"}
    assert not any("docker.sock" in volume for volume in options.get("volumes", []))


@every_service
def test_an_image_is_named_with_its_version(name: str) -> None:
    _, _, tag = service(name)["image"].partition(":")
    assert tag
    assert "latest" not in tag


@every_service
def test_a_service_comes_back_and_one_shot_does_not(name: str) -> None:
    assert service(name)["restart"] == ("no" if name == "prepare" else "unless-stopped")


@pytest.mark.parametrize("name", ["postgres", "valkey", "pgbouncer", "web", "worker", "courier"])
def test_what_others_wait_for_is_asked_for_its_health(name: str) -> None:
    assert service(name)["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")


@every_service
def test_a_service_waits_for_services_that_can_tell(name: str) -> None:
    for other, how in service(name).get("depends_on", {}).items():
        condition = how["condition"]
        assert condition == "service_completed_successfully" or "healthcheck" in service(other), other


@every_service
def test_volumes_and_networks_are_declared(name: str) -> None:
    assert {volume.partition(":")[0] for volume in service(name).get("volumes", [])} <= set(
        compose()["volumes"]
    )
    assert set(service(name)["networks"]) <= set(compose()["networks"])


def test_only_the_proxy_is_reached_from_outside() -> None:
    assert [name for name, options in compose()["services"].items() if "ports" in options] == ["caddy"]
    assert compose()["networks"]["inside"]["internal"] is True
    for name in ("postgres", "valkey", "pgbouncer"):
        assert service(name)["networks"] == ["inside"]


@pytest.mark.parametrize("name", OURS)
def test_the_platform_gets_settings_that_exist(name: str) -> None:
    assert set(service(name)["environment"]) <= set(VARIABLES)


def test_only_prepare_has_the_administrators_login() -> None:
    with_password = {
        name for name, options in compose()["services"].items() if "POSTGRES_PASSWORD" in str(options)
    }
    assert with_password == {"postgres", "prepare"}
    assert [name for name in OURS if "DATABASE_URL" in service(name)["environment"]] == ["prepare"]


def test_requests_pass_the_pooler_and_migrations_do_not() -> None:
    urls = {
        name: value for name, value in service("web")["environment"].items() if name.endswith("DATABASE_URL")
    }
    hosts = {name: re.search(r"@(\w+):", url)[1] for name, url in urls.items()}  # type: ignore[index]
    assert hosts == {
        "APP_DATABASE_URL": "pgbouncer",
        "CONTROL_DATABASE_URL": "pgbouncer",
        "MIGRATOR_DATABASE_URL": "postgres",
    }


def test_the_example_of_secrets_lists_what_the_compose_file_asks_for() -> None:
    asked = set(re.findall(r"(?<!\$)\$\{(\w+)", (INFRA / "compose.yaml").read_text()))
    listed = set(re.findall(r"^(\w+)=", (INFRA / ".env.example").read_text(), re.MULTILINE))
    assert asked == listed


def test_no_secret_is_committed() -> None:
    values = dict(re.findall(r"^(\w+)=(.*)$", (INFRA / ".env.example").read_text(), re.MULTILINE))
    secrets = [name for name in values if re.search(r"PASSWORD|SECRET|TOKEN|API_KEY", name)]
    assert len(secrets) > 5
    assert [name for name in secrets if values[name]] == []


# Dockerfiles


def instructions(path: Path) -> list[tuple[str, str]]:
    """The instructions of a Dockerfile, with their continuation lines."""
    lines = [line for line in path.read_text().splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [
        (word, rest.strip())
        for word, _, rest in (line.partition(" ") for line in joined.splitlines() if line)
    ]


def stages(path: Path) -> list[list[tuple[str, str]]]:
    """The instructions by stage."""
    found: list[list[tuple[str, str]]] = []
    for word, rest in instructions(path):
        if word == "FROM":
            found.append([])
        found[-1].append((word, rest))
    return found


@every_dockerfile
def test_a_base_image_is_named_with_its_version(path: Path) -> None:
    for stage in stages(path):
        image = stage[0][1].split()[0]
        assert re.fullmatch(r"[a-z./-]+:[\w.-]+", image), image
        assert "latest" not in image


@every_dockerfile
def test_the_image_that_runs_is_nobodys(path: Path) -> None:
    last = stages(path)[-1]
    users = [rest for word, rest in last if word == "USER"]
    assert users
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", users[-1])
    assert not [rest for word, rest in last[last.index(("USER", users[-1])) :] if word == "RUN"]


@every_dockerfile
def test_instructions_keep_to_the_rules(path: Path) -> None:
    for word, rest in instructions(path):
        assert word in ("FROM", "ARG", "ENV", "WORKDIR", "COPY", "RUN", "USER", "EXPOSE", "VOLUME", "CMD"), (
            word
        )
        if word == "CMD":
            assert ast.literal_eval(rest), "a shell would swallow the signals"
        if word == "WORKDIR":
            assert rest.startswith("/")
        if "apt-get install" in rest:
            assert "--no-install-recommends" in rest
            assert "rm -rf /var/lib/apt/lists" in rest
        if "pip install" in rest:
            assert "--require-hashes" in rest


@every_dockerfile
def test_what_is_copied_exists_and_is_let_through(path: Path) -> None:
    context = env.ROOT if path.parent == INFRA else path.parent
    for word, rest in instructions(path):
        if word == "COPY" and "--from" not in rest:
            for source in rest.split()[:-1]:
                assert (context / source).exists(), source
                assert path.parent != INFRA or is_let_through(source), source


def is_let_through(name: str) -> bool:
    """Whether the ignore file beside the Dockerfile lets a file or folder into the build."""
    verdict = True
    for line in (INFRA / "Dockerfile.dockerignore").read_text().splitlines():
        if line and not line.startswith("#") and fnmatch(name, line.removeprefix("!")):
            verdict = line.startswith("!")
    return verdict


@pytest.mark.parametrize(
    "name", [".env", ".git", ".rowhouse", ".venv", "infra/.env", "tests", "x/__pycache__"]
)
def test_secrets_and_data_stay_out_of_the_image(name: str) -> None:
    assert not is_let_through(name)


# What the image installs


def blocks(lock: str) -> dict[str, str]:
    """The entries of a lock by name and version, each with its hashes."""
    entries = re.split(r"\n(?=\S)", (env.ROOT / lock).read_text().strip())
    return {entry.split(" ")[0]: "\n".join(re.findall(r"sha256:\w+", entry)) for entry in entries}


def test_the_image_installs_the_very_files_that_the_tests_ran_with() -> None:
    whole, served = blocks("requirements.lock"), blocks("requirements-runtime.lock")
    assert 20 < len(served) < len(whole)
    assert {name: hashes for name, hashes in served.items() if whole.get(name) != hashes} == {}


def test_what_is_served_imports_nothing_that_the_image_lacks() -> None:
    installed = {normal(name.partition("==")[0]) for name in blocks("requirements-runtime.lock")}
    owners = importlib.metadata.packages_distributions()
    missing = {
        module: sorted(map(normal, owners[module]))
        for module in served_imports()
        if module in owners and not {normal(owner) for owner in owners[module]} & installed
    }
    assert missing == {}


def served_imports() -> set[str]:
    """The top-level modules that the packages in the image import."""
    files = [path for package in SERVED_PACKAGES for path in (env.ROOT / package).rglob("*.py")]
    # The lint wants each import on a line of its own.
    found = [match for path in files for match in IMPORT.findall(path.read_text())]
    return {name for pair in found for name in pair if name} - set(SERVED_PACKAGES)


def normal(name: str) -> str:
    """A distribution's name as locks write it."""
    return re.sub(r"[-_.]+", "-", name).lower()


# Proxy and pooler


def test_the_proxys_file_is_well_formed() -> None:
    lines = [line.strip() for line in (INFRA / "caddy/Caddyfile").read_text().splitlines()]
    depth = 0
    for line in lines:
        bare = re.sub(r"\{\$\w+(:[^}]*)?\}", "", line.partition("#")[0]).strip()
        depth += bare.endswith("{") - (bare == "}")
        assert bare.count("{") == bare.endswith("{"), line
        assert depth >= 0
    assert depth == 0


def test_the_proxy_serves_the_platform_its_subdomains_and_domains_of_ones_own() -> None:
    text = (INFRA / "caddy/Caddyfile").read_text()
    sites = re.findall(r"^(\S+) \{$", text, re.MULTILINE)
    assert sites == ["(platform)", "{$PUBLIC_HOST}", "*.{$PUBLIC_HOST}", "https://"]
    assert re.search(r"on_demand_tls \{\s+ask http://web:8000/internal/certificate\s+\}", text)
    assert re.search(r"https:// \{\s+tls \{\s+on_demand\s+\}", text)
    assert text.count("import platform") == 3
    assert re.search(r"@internal path /internal/\* /healthz /readyz\s+respond @internal 404", text)
    given = set(service("caddy")["environment"])
    assert set(re.findall(r"\{\$(\w+)", text)) == given


def test_the_pooler_is_in_transaction_mode_and_keeps_no_password() -> None:
    text = (INFRA / "pgbouncer/pgbouncer.ini").read_text()
    assert "pool_mode = transaction" in text
    assert "auth_type = scram-sha-256" in text
    assert "password" not in text
    start = (INFRA / "pgbouncer/start.sh").read_text()
    for alias in ("app", "control"):
        assert f'"{env.LOGINS[alias]}"' in start
    assert env.LOGINS["migrator"] not in start


# The commands


@pytest.mark.parametrize("name", PROCESSES)
def test_a_container_is_started_by_the_command_of_bin_dev(name: str) -> None:
    assert service(name)["command"] == ["python", *processes.command(name)[1:]]
    assert set(processes.PROCESSES) == {*PROCESSES, "simulator"}, "the simulated Stripe is for bin/dev alone"


def test_the_image_by_itself_is_the_web_server() -> None:
    command = [rest for word, rest in instructions(INFRA / "Dockerfile") if word == "CMD"]
    assert ast.literal_eval(command[-1]) == service("web")["command"]


def test_the_web_process_starts_answers_probes_and_stops(tmp_path: Path) -> None:
    port = free_port()
    with started("web", tmp_path, WEB_PORT=str(port), WEB_WORKERS="1"):
        wait_until(lambda: answers(port, "/healthz"))
        assert answers(port, "/readyz")


@pytest.mark.parametrize(
    ("name", "level", "ready"),
    [
        ("worker", "INFO", "ready."),
        ("courier", "INFO", "ready."),
        # What it says before is said before it has opened its file, and it cannot be ended in the middle of that.
        ("beat", "DEBUG", "Ticking with max interval"),
    ],
)
def test_a_background_process_starts_and_stops(name: str, level: str, ready: str, tmp_path: Path) -> None:
    with started(name, tmp_path, LOG_LEVEL=level) as said:
        wait_until(lambda: ready in said.read_text())


@contextmanager
def started(name: str, folder: Path, **settings: str) -> Iterator[Path]:
    """A process started by the command that its container names; yields what it says, and ends it politely."""
    said = folder / f"{name}.log"
    environment = {**os.environ, "DATA_DIR": str(folder), "LOG_LEVEL": "INFO", **settings}
    environment.pop("DATABASE_URL")
    environment |= {f"{alias.upper()}_DATABASE_URL": url for alias, url in env.database_urls().items()}
    command = [sys.executable, *service(name)["command"][1:]]
    with said.open("w") as log:
        process = subprocess.Popen(command, cwd=env.ROOT, env=environment, stdout=log, stderr=log)
    try:
        yield said
        assert process.poll() is None, said.read_text()
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT) in (0, -signal.SIGTERM)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{said.read_text()[-3000:]}") from error
    finally:
        process.kill()
        process.wait()


def answers(port: int, path: str) -> bool:
    """Whether the web process answers 200."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
