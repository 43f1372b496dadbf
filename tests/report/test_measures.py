"""A measure that the report has never heard of shows wherever the built-in ones do."""

from __future__ import annotations

import csv
import re
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from copycat.measures import CONS, DETECT
from copycat.report import render_page, tables
from copycat.report.differences import differences
from copycat.report.summary import print_summary
from copycat.report.view import pictures
from tests.helpers.hat import HAT, add_hat, install_hat
from tests.helpers.pages import sheet
from tests.helpers.synthetic import SyntheticRun


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SyntheticRun:
    install_hat(monkeypatch)
    return add_hat(SyntheticRun(tmp_path / "run", judge="no-such-judge"))


def cells(line: str) -> list[str]:
    return [c.strip() for c in line.strip("|").split("|")]


def test_it_has_columns_in_the_tables(run: SyntheticRun) -> None:
    made = tables(run.data())
    head, _, none, negprompt = map(cells, made["table.md"].splitlines()[2:6])
    at = head.index("HAT ↑ (mean ± SD)")
    both = ["95 %, these characters", "95 %, characters like these"]
    assert head[at : at + 4] == ["HAT ↑ (mean ± SD)", *both, "scored / asked for"]
    assert none[at : at + 4] == ["0.500 ± 0.010", "[0.450, 0.926]", "[0.400, 0.600]", "16 / 18"]
    assert negprompt[at] == "0.250 ± 0.012"
    assert 'HAT is the mean P("Yes") that a hat is worn' in made["table.md"]
    numbers = {
        (r["metric"], r["mitigation"]): r["value"] for r in csv.DictReader(StringIO(made["table.csv"]))
    }
    assert numbers[HAT.name, "negprompt"] == "0.25"
    assert r"HAT $\uparrow$" in made["table.tex"]


def test_it_is_compared_pair_by_pair(run: SyntheticRun) -> None:
    found = differences(run.data())
    assert [d.measure for d in found] == [DETECT, CONS, HAT]
    assert (found[2].value, found[2].pairs) == (-0.25, 16)


def test_the_page_has_its_numbers_its_differences_and_each_pictures_value(run: SyntheticRun) -> None:
    page = render_page(run.data())
    assert '<th scope="col" class="n">HAT <small>higher is better</small></th>' in page
    number = r'data-label="HAT"><span><span class="big">0.500 ± 0.010</span><small>16 / 18</small>'
    assert re.search(number + r"<small>these \[.*?\]</small><small>like these \[0.400, 0.600\]<", page)
    below = page[page.index('id="differences"') :]
    assert "HAT <small>below 0 is worse</small>" in below
    assert '<span class="big">−0.250</span>' in below
    first = sheet(page)[0]
    assert first["values"] == {"P(owl is shown)": 0.9, "P(Pomkin wears a hat)": 0.5}


def test_the_summary_has_its_number_and_its_difference(run: SyntheticRun) -> None:
    out = StringIO()
    print_summary(Console(file=out, width=140), run.data())
    assert re.search(r"none .* 0\.500 ± 0\.010", out.getvalue())
    assert "HAT ↑" in out.getvalue()
    assert "HAT, negprompt minus none (name): −0.250" in out.getvalue()


def test_it_is_shown_before_there_are_numbers(run: SyntheticRun) -> None:
    run.metrics = []
    assert pictures(run.data())[0].values[HAT.name].value == 0.5


def test_numbers_of_a_measure_that_is_not_installed_are_shown(tmp_path: Path) -> None:
    run = add_hat(SyntheticRun(tmp_path / "run"))
    made, page = tables(run.data())["table.md"], render_page(run.data())
    assert "| HAT (mean ± SD) |" in made
    assert "0.500 ± 0.010" in made
    assert "HAT is a measure that is not installed here" in made
    assert 'data-label="HAT"' in page
    assert set(sheet(page)[0]["values"].values()) == {0.9, None}


def test_a_run_without_the_first_measure_is_led_by_its_own(run: SyntheticRun) -> None:
    run.metrics = [m for m in run.metrics if m.metric == HAT.name]
    head, _, none, *_ = map(cells, tables(run.data())["table.md"].splitlines()[2:])
    assert head[5] == "scored / planned"
    assert none[5] == "16 / 18"
    page = render_page(run.data())
    assert "recognisable</h2>" not in page
    assert 'id="whose"' not in page
    assert {p["state"] for p in sheet(page)} == {"made", "refused", "error"}
