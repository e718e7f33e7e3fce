"""Every benchmark answers in one form, and what is kept of it is drawn."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench import plot
from bench.report import COLUMNS, Report, Result

REPORT = Report(
    "request",
    [
        Result("list_jwt", "requests/s", ours=1234.5, peer=100.0, ratio_to_peer=12.345, runs=9),
        Result("tenancy_tax", "ratio", ours=1.04, limit=1.0, ratio_to_limit=0.9615, runs=9),
    ],
    notes=("How it was measured.",),
)


def test_programs_get_one_object_with_null_where_there_is_no_figure() -> None:
    answer = json.loads(REPORT.as_json())
    assert set(answer) == {"bench", "machine", "results"}
    assert answer["bench"] == "request"
    assert [tuple(result) for result in answer["results"]] == [COLUMNS, COLUMNS]
    assert answer["results"][1] == {
        "name": "tenancy_tax",
        "unit": "ratio",
        "ours": 1.04,
        "peer": None,
        "limit": 1.0,
        "ratio_to_peer": None,
        "ratio_to_limit": 0.9615,
        "runs": 9,
    }


def test_people_get_a_table_its_notes_and_the_machine() -> None:
    head, first, second, _, note, machine = REPORT.as_text().splitlines()
    assert head.split() == list(COLUMNS)
    assert first.split() == ["list_jwt", "requests/s", "1,234", "100", "–", "12.3", "–", "9"]
    assert second.split() == ["tenancy_tax", "ratio", "1.04", "–", "1", "–", "0.962", "9"]
    assert note == "How it was measured."
    assert "cores" in machine


def test_what_is_kept_is_drawn_beside_what_was_kept_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plot, "KEPT", tmp_path / "results.json")
    monkeypatch.setattr(plot, "DRAWN", tmp_path / "results.svg")
    plot.keep(REPORT)
    plot.keep(Report("scale", [Result("memory", "MiB", ours=50.0, limit=100.0, ratio_to_limit=2.0)]))
    assert set(json.loads(plot.KEPT.read_text())) == {"request", "scale"}
    texts = {node.text for node in ElementTree.parse(plot.DRAWN).iter("{http://www.w3.org/2000/svg}text")}
    assert {
        "request: list_jwt",
        "12.35 ×",
        "request: tenancy_tax",
        "0.96 ×",
        "scale: memory",
        "2.00 ×",
    } <= texts
