"""Text in CSV files for people is text in their spreadsheet too."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from copycat.calibration.labels import Label, load_labels, write_labels
from copycat.io.spreadsheets import as_text, from_text
from copycat.report.files import csv_content

FORMULAS = [
    "=1+1",
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    '=HYPERLINK("http://x")',
    "'=1",
    "-",
    "''+a",
]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_is_text_and_comes_back(text: str) -> None:
    shown = as_text(text)
    assert shown == f"'{text}"
    assert from_text(shown) == text


@pytest.mark.parametrize("cell", [-0.5, 3, None, True, "-0.5", "+1e3", "mario", "'quoted'", "", "a=b", "−1"])
def test_numbers_and_other_text_stay_as_they_are(cell: object) -> None:
    assert as_text(cell) == cell
    assert type(as_text(cell)) is type(cell)
    if isinstance(cell, str):
        assert from_text(cell) == cell


def test_tables_for_people_hold_no_formulas() -> None:
    content = csv_content(["who", "value"], [{"who": "=cmd", "value": -0.25}])
    assert list(csv.DictReader(io.StringIO(content))) == [{"who": "'=cmd", "value": "-0.25"}]


def test_labels_hold_no_formulas_and_come_back(tmp_path: Path) -> None:
    label = Label(image="images/a.png", character="mario", rater="=cmd|' /C calc'!A0", label=True, saw="-")
    write_labels(tmp_path / "labels.csv", [label])
    written = (tmp_path / "labels.csv").read_text()
    assert "'=cmd" in written
    assert ",=cmd" not in written
    assert load_labels(str(tmp_path / "labels.csv")) == (label,)
