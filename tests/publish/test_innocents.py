"""A dataset of a run that drew innocent prompts: their distances travel with the rows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from copycat.measures import MOVED
from copycat.publish.collect import collect
from copycat.publish.pull import Pulled, pull
from copycat.publish.write import write
from copycat.runs.folder import RunFolder
from copycat.stages.report import report
from copycat.stages.score import score
from tests.helpers.innocents import WithInnocents


def back(dataset: Path, to: Path) -> Pulled:
    (pulled,) = pull(dataset, "me/mine", None, lambda name, runs: to, report)
    return pulled


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    made = WithInnocents(tmp_path / "run")
    made.configure(also=("neutral",), features=str(tmp_path / "private" / "dino"))
    made.add_innocents()
    folder = made.folder()
    score(folder)
    return folder


def test_distances_come_back_and_the_numbers_follow_from_them(run: RunFolder, tmp_path: Path):
    write(collect([run]), tmp_path / "dataset")
    assert back(tmp_path / "dataset", tmp_path / "back").same
    folder = RunFolder(tmp_path / "back")
    assert folder.shift_journal.rows() == run.shift_journal.rows()
    score(folder)
    assert folder.metrics() == run.metrics()
    assert folder.data().metric(MOVED, "negprompt", "also:neutral").scored == 12
    card = (tmp_path / "dataset" / "README.md").read_text()
    assert "config_name: shifts" in card
    assert "| `distance` | float64 |" in card
    croissant = json.loads((tmp_path / "dataset" / "croissant.json").read_text())
    (told,) = (r for r in croissant["recordSet"] if r["name"] == "shifts")
    assert {f["source"]["fileObject"]["@id"] for f in told["field"]} == {"data/shifts.parquet"}
    assert folder.manifest().config.features == "dino"


def test_a_run_without_distances_has_no_such_table(run: RunFolder, tmp_path: Path):
    run.shift_journal.path.unlink()
    run = RunFolder(run.path)
    score(run)
    write(collect([run]), tmp_path / "dataset")
    assert not (tmp_path / "dataset" / "data" / "shifts.parquet").exists()
    assert "shifts" not in (tmp_path / "dataset" / "croissant.json").read_text()
    assert back(tmp_path / "dataset", tmp_path / "back").same
    assert not (tmp_path / "back" / "shifts.jsonl").exists()
