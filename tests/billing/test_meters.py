"""Meters: how quantities of them are said."""

from billing.meters import METERS


def test_one_of_something_is_not_several() -> None:
    seats, storage = METERS["seats"], METERS["storage"]
    assert [seats.counted(number) for number in (0, 1, 1_200)] == ["0 people", "1 person", "1,200 people"]
    assert storage.counted(1) == "1 MB"
