"""Columns stay what they were while rows are added, and take values with any number of numbers."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import msgspec
import numpy as np

from copycat.io.columns import NONE, Growing
from copycat.io.journal import Journal
from copycat.records import ImageRow


def image(request: str) -> ImageRow:
    return ImageRow(request=request, outcome="error", error="?")


def test_a_column_stays_what_it_was_when_rows_are_added(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "images.jsonl", ImageRow)
    journal.append([image("a"), image("b")])
    early = journal.rows().column("request")
    assert early.keys == ["a", "b"]
    journal.append([image("c"), image("a")])
    late = journal.rows().column("request")
    assert early.told_as(early).tolist() == early.told_as(late).tolist() == [0, 1]
    assert late.told_as(early).tolist() == [0, 1, NONE, 0]
    assert (early.code("c"), early.firsts.tolist()) == (NONE, [0, 1])
    assert early.take(np.array([1])).told_as(late).tolist() == [1]
    assert late.keys == ["a", "b", "c"]


class Point(msgspec.Struct):
    numbers = ("x",)
    x: float


class Solid(msgspec.Struct):
    numbers = ("x", "y", "z")
    x: float
    y: float | None
    z: float


def test_values_with_more_numbers_than_those_before() -> None:
    growing = Growing("value")
    for value in ("none", Point(1.0), Solid(2.0, None, 4.0), Point(5.0)):
        growing.add([SimpleNamespace(value=value)], msgspec.json.encode)
    column = growing.column(4)
    nan = float("nan")
    wanted = [[nan] * 3, [1.0, nan, nan], [2.0, nan, 4.0], [5.0, nan, nan]]
    np.testing.assert_array_equal(column.numbers, wanted)
    assert column.codes.tolist() == [0, NONE, NONE, NONE]
