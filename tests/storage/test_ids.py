"""Parsing of ids as people type them."""

import pytest

from storage.ids import MOST_READINGS, readings


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("A-7K3F", "A-7K3F"),
        ("a-7k3f", "A-7K3F"),
        ("a7k3f", "A-7K3F"),
        ("7k3f", "A-7K3F"),
        (" `A-7K3F`. ", "A-7K3F"),
        ("A–7K3F", "A-7K3F"),  # noqa: RUF001 - a dash people paste
        ("a 7k3f", "A-7K3F"),
        ("A-7K3F.2", "A-7K3F.2"),
        ("a7k3", "A-A7K3"),
        ("A-7K3FB", "A-7K3FB"),
        ("A-7K30", "A-7K3Q"),
        ("A-1K3F", "A-LK3F"),
    ],
)
def test_an_id_is_read_kindly(typed: str, first: str) -> None:
    """Capitals, dash and prefix may be missing. A symbol of no id stands for one that looks like it."""
    assert readings(typed)[0] == first


def test_what_can_be_read_in_several_ways_is_read_in_all_of_them() -> None:
    """No id has 0 and O, or 1 and I: each stands for two others, and the readings are limited."""
    assert readings("A-7K3O") == ["A-7K3Q", "A-7K3D", *(one for one in readings("A-7K3O")[2:])]
    assert set(readings("7K1F")) == {"A-7KLF", "A-7KJF"}
    assert len(readings("0O1I01OI")) == MOST_READINGS


@pytest.mark.parametrize("typed", ["", "A-", "A-7K", "hello?", "A-7K3!", "A-" + "é" * 4])
def test_what_is_no_id_is_read_as_none(typed: str) -> None:
    """Short texts, and texts with symbols of another alphabet, are no ids."""
    assert readings(typed) == []
