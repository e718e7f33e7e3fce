"""Schemas that are made in a fifth of the time: without the tables of the tenants' business."""

import pytest
from django.apps import apps

from shared_apps.fleet.baseline import compile_baseline
from shared_apps.fleet.grants import grants_on
from tests.stage import administrator


@pytest.fixture(scope="session")
def light_baseline(_database_is_open: None) -> tuple[str, str, str]:
    """The baseline without the tables of the tenants' business: statements, seed rows and rights."""
    with administrator() as admin, admin.cursor() as cursor, admin.transaction(force_rollback=True):
        statements, seeds = cursor.execute("SELECT statements, seeds FROM fleet_baseline").fetchall()[0]
        cursor.execute("CREATE SCHEMA t_light; SET LOCAL search_path = t_light, ext")
        cursor.execute(statements)
        cursor.execute(f"DROP TABLE IF EXISTS {', '.join(sorted(_of_business()))} CASCADE")
        light = compile_baseline(cursor, "t_light")
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 't_light'")
        tables = sorted(name for (name,) in cursor.fetchall())
    kept = [
        line for line in seeds.split(";\n") if not any(f'INTO "{name}"' in line for name in _of_business())
    ]
    return light, ";\n".join(kept), ";\n".join(grants_on(tables))


def _of_business() -> set[str]:
    return {
        model._meta.db_table
        for config in apps.get_app_configs()
        if config.name.startswith("tenant_apps.")
        for model in config.get_models(include_auto_created=True)
    }


@pytest.fixture
def light(light_baseline: tuple[str, str, str]) -> None:
    """Schemas are made with a few tables: where it matters when and by whom, and not what is in them."""
    with administrator() as admin:
        admin.execute("UPDATE fleet_baseline SET (statements, seeds, grants) = (%s, %s, %s)", light_baseline)
