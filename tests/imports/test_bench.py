"""The benchmark of imports: its figures mean what they say, and it needs no file but its own."""

from pathlib import Path

import pytest

from bench import imports as bench


def test_ratios_above_one_are_in_our_favour():
    rounds = [
        bench.Round(lines=1000, seconds=seconds, again_seconds=1.0, memory_mb=memory, copy_seconds=1.0)
        for seconds, memory in ((2.0, 100.0), (4.0, 128.0), (3.0, 90.0))
    ]
    speed, again, memory = bench.results(rounds)
    assert (speed.name, speed.unit, speed.runs) == ("order_lines", "lines/s", 3)
    assert (speed.ours, speed.limit, speed.ratio_to_limit) == (1000 / 3, 1000, 1 / 3)
    assert (again.name, again.ours, again.limit) == ("same_file_again", 1000, None)
    assert (memory.ours, memory.ratio_to_limit) == (128, 4)


def test_without_the_real_file_one_of_its_shape_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bench, "REAL_FILE", tmp_path / "absent")
    monkeypatch.setattr(bench, "INVOICES", 120)
    path, source = bench._order_lines(tmp_path)
    said = bench.import_once(path, 1)
    assert source == "generated"
    assert said["lines"] == len(path.read_text().splitlines()) - 1
    assert said["full"] != said["empty"]
    assert said["seconds"] > 0
    assert said["memory_mb"] > 20
