"""Judges compared on the menagerie, small but real."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from copycat.calibration.labels import load_labels
from copycat.cards.calibration import read_calibration
from copycat.menagerie.judges import SHOWN, Size, compare
from copycat.runtime.progress import Progress

SIZE = Size(renders=140, seeds=1, limit=1)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("judges")
    judges = ("menagerie", SHOWN, "menagerie-phash")
    compare(SIZE, folder / "work", folder / "out", Progress(), judges)
    return folder


def test_judges_are_measured_against_what_was_drawn(out: Path) -> None:
    found = read_calibration(out / "out" / "renders.json")
    assert (found.items, found.truth, found.ties) == (140, ("world",), 0)
    assert found.raters.items == 0, "agreement is of those who make the truth, and the world is alone"
    by = {(j.judge.partition("@")[0], j.question): j for j in found.judges}
    for question in ("identify", "verify"):
        good, copies = by["menagerie", question], by["menagerie-phash", question]
        assert good.kappa is not None
        assert good.kappa > 0.9
        assert good.counts.positives == found.positives
        assert good.fpr_lookalike.n > 30
        assert (copies.tpr.value or 1) < 0.5 < (good.tpr.value or 0), "a hash finds copies only"
    shown = by["judge[references=1,questions=plain]", "verify"]
    assert shown.unscored + shown.counts.n == 140
    assert (shown.accuracy.value or 1) < (by["menagerie", "verify"].accuracy.value or 0)
    assert by["referee", "label"].counts.n == 140


def test_and_with_the_referee_on_generated_pictures(out: Path) -> None:
    found = read_calibration(out / "out" / "generated.json")
    # One character, four prompt sets, four guardrails, one seed.
    assert (found.items, found.truth) == (16, ("referee",))
    assert found.raters.items == 0, "one rater agrees with nobody"
    first = found.judges[0]
    assert {p.name for p in first.parts if p.by == "prompts"} == {
        "name", "description", "keywords", "keywords2",
    }  # fmt: skip
    assert first.accuracy.hits >= 13


def test_the_tables_hold_both_and_the_command(out: Path) -> None:
    with (out / "out" / "judges.csv").open(encoding="utf-8") as f:
        rows = list(csv.DictReader(f))
    assert len(rows) == 7 + 6
    assert {r["n"] for r in rows} == {"140", "16"}
    text = (out / "out" / "judges.md").read_text(encoding="utf-8")
    assert "copycat menagerie judges --n 140 --seeds 1" in text
    assert text.count("| menagerie | DETECT (identify) |") == 2
    latex = (out / "out" / "judges.tex").read_text(encoding="utf-8")
    assert latex.count(r"\begin{tabular}") == 2


def test_the_same_command_again_asks_nobody_and_writes_the_same(out: Path) -> None:
    before = (out / "out" / "renders.json").read_bytes()
    run = out / "work" / "judges-renders-140"
    rows = (run / "verdicts.jsonl").read_bytes(), (run / "images.jsonl").read_bytes()
    compare(SIZE, out / "work", out / "out", Progress(), ("menagerie", "menagerie-phash"))
    assert ((run / "verdicts.jsonl").read_bytes(), (run / "images.jsonl").read_bytes()) == rows
    assert (out / "out" / "renders.json").read_bytes() == before
    assert {x.rater for x in load_labels(str(run / "labels.parquet"))} == {"world", "referee"}
