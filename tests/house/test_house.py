"""The rules of the house that no tool knows: where things stand, and who may write."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import AppConfig, apps
from django.conf import settings
from django.urls import URLResolver, get_resolver

from config import env
from shared_apps.fleet.grants import RIGHTS

PACKAGES = ("tenants", "shared_apps", "billing", "tenant_apps")
DOORS = ("viewsets*.py", "portal*.py", "tasks.py", "admin.py", "operators/*.py", "views.py", "api.py")
WRITES = frozenset(
    "save create delete update bulk_create bulk_update get_or_create update_or_create aupdate acreate adelete".split()
)
TENANT_APPS = sorted(path.parent for path in (env.ROOT / "tenant_apps").glob("*/__init__.py"))
OWN_APPS = [config for config in apps.get_app_configs() if Path(config.path).is_relative_to(env.ROOT)]


def doors() -> Iterator[Path]:
    """Files that parse, authorise, call one verb and render."""
    for package in PACKAGES:
        for pattern in DOORS:
            yield from (env.ROOT / package).rglob(pattern)
        # `migrate` makes tables, and with them the one row that some tables must have.
        commands = (env.ROOT / package).rglob("management/commands/*.py")
        yield from (path for path in commands if path.name != "migrate.py")


def writes(path: Path) -> list[str]:
    """Calls in a file that would write a row; `update` of a plain dictionary has to be written as `|=`."""
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    return [
        f"line {call.lineno}: .{call.func.attr}("
        for call in calls
        if isinstance(call.func, ast.Attribute) and call.func.attr in WRITES
    ]


@pytest.mark.parametrize("path", sorted(doors()), ids=lambda path: str(path.relative_to(env.ROOT)))
def test_a_door_leaves_every_write_to_a_service(path: Path) -> None:
    assert writes(path) == [], "move the write into a verb of services.py, and call that"


@pytest.mark.parametrize("folder", TENANT_APPS, ids=lambda folder: folder.name)
def test_a_tenant_app_is_installed_routed_and_tested(folder: Path) -> None:
    name = f"tenant_apps.{folder.name}"
    assert name in settings.TENANT_APPS, "add it to TENANT_APPS in config/settings.py"
    for urls in sorted(folder.glob("urls*.py")):
        assert f"{name}.{urls.stem}" in routed(), "include it in config/urls_tenant.py"
    assert list((env.ROOT / "tests" / folder.name).glob("test_*.py")), (
        f"write its tests in tests/{folder.name}/"
    )


def routed() -> set[str]:
    """The modules whose routes a tenant's host answers."""
    return {
        pattern.urlconf_name.__name__
        for pattern in get_resolver(settings.ROOT_URLCONF).url_patterns
        if isinstance(pattern, URLResolver) and hasattr(pattern.urlconf_name, "__name__")
    }


@pytest.mark.parametrize("config", OWN_APPS, ids=lambda config: config.label)
def test_declared_rights_are_of_tables_that_exist(config: AppConfig) -> None:
    tables = {model._meta.db_table for model in config.get_models(include_auto_created=True)}
    declared = {table for attribute in RIGHTS for table in getattr(config, attribute, ())}
    declared |= set(getattr(config, "public_grants", {})) | set(getattr(config, "seed_tables", ()))
    assert declared <= tables, f"{config.name}/apps.py names tables that {config.label} does not have"
