"""The benchmark of whole tenants: its figures mean what they say, and a round leaves nothing."""

from pathlib import Path

import pytest
from django.conf import settings

from bench import lifecycle as bench
from shared_apps.clients.models import Client
from tests.stage import database_name, url_of


def a_round(seconds: float) -> bench.Round:
    return bench.Round(
        rows=1000, export=seconds, copy_out=1.0, restore=2 * seconds, copy_in=1.0, memory_mb=90.0
    )


def test_ratios_above_one_are_in_our_favour() -> None:
    few, many = [a_round(s) for s in (1.0, 2.0, 4.0)], [a_round(s) for s in (2.0, 2.0, 4.0)]
    export, restore, flat, other = bench.results(few, many)
    assert (export.name, export.ours, export.limit, export.ratio_to_limit) == ("export_100k", 500, 1000, 0.5)
    assert (restore.name, restore.ratio_to_limit, restore.runs) == ("restore_100k", 0.25, 3)
    assert (flat.name, flat.ours, flat.ratio_to_limit) == ("export_2000_vs_10", 1.0, 1.0)
    assert (other.name, other.ours) == ("restore_2000_vs_10", 1.0)


def test_a_round_measures_all_four_and_takes_away_what_it_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "ARCHIVE_ROOT", tmp_path / "archives")
    monkeypatch.setattr(settings, "MEDIA_ROOT", tmp_path / "media")
    acme = Client.objects.get(subdomain="acme")
    bench.fill(url_of(database_name()), acme.schema_name, orders=20)
    found = bench.one_round("acme", tmp_path, 1)
    assert found.rows > 12_000 + 20 * (1 + bench.LINES_AN_ORDER)
    assert min(found.export, found.copy_out, found.restore, found.copy_in) > 0
    assert found.memory_mb > 20
    assert Client.objects.count() == 2
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
