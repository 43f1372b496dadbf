"""Run folders that an earlier version wrote: they open, finish, and give the same pictures and numbers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from copycat.cli.main import app
from copycat.records import Request
from copycat.report import tables
from copycat.resolve import ResolvedRun, resolve, resolve_settings
from copycat.runs.data import RunData
from copycat.runs.folder import RunFolder
from copycat.runtime.progress import Progress
from copycat.stages.plan import plan, prepare
from copycat.stages.report import report
from copycat.stages.run import complete
from copycat.stages.score import score

FIRST = Path(__file__).parents[1] / "data" / "first_rows"


@pytest.fixture
def whole(tmp_path: Path) -> RunFolder:
    return RunFolder(shutil.copytree(FIRST / "whole", tmp_path / "whole"))


@pytest.fixture
def half(tmp_path: Path) -> RunFolder:
    return RunFolder(shutil.copytree(FIRST / "half", tmp_path / "half"))


def settings(folder: RunFolder) -> ResolvedRun:
    return resolve(folder.manifest().config.model_copy(update={"out": folder.path}))


def place(r: Request) -> tuple[object, ...]:
    """What tells a picture of one run from the others, whatever its identity."""
    return r.mitigation, r.prompt_set, r.character, r.run_seed


def same_bits(mine: RunData, reference: RunData) -> bool:
    """Whether all pictures have the same bytes. Rounding follows the processor and the libraries, and two
    processors of one name may differ in it."""
    theirs = {place(r): reference.images[r.id].sha256 for r in reference.requests}
    return all(mine.images[r.id].sha256 == theirs[place(r)] for r in mine.requests)


def assert_same_pictures(mine: RunData, reference: RunData) -> None:
    theirs = {place(r): reference.images[r.id] for r in reference.requests}
    assert {place(r) for r in mine.requests} == set(theirs)
    for request in mine.requests:
        row, other = mine.images[request.id], theirs[place(request)]
        assert row.outcome == other.outcome
        if row.file and other.file and row.sha256 != other.sha256:
            a, b = (
                np.asarray(Image.open(p), int) for p in (mine.path / row.file, reference.path / other.file)
            )
            assert np.abs(a - b).max() <= 24


ANEW = {
    *("low", "high", "fixed_low", "fixed_high", "all_low", "all_high", "method"),
    *("corrected_low", "corrected_high", "corrected_note"),
}
"""What is reckoned in another way today."""


def assert_same_numbers(mine: RunData, reference: RunData) -> None:
    assert len(mine.metrics) == len(reference.metrics)
    for m, other in zip(mine.metrics, reference.metrics, strict=True):
        assert (m.metric, m.mitigation, m.prompt_set) == (other.metric, other.mitigation, other.prompt_set)
        # Of the same pixels a judge's probabilities still round as the processor does.
        far = 1.0 if m.metric.startswith("DETECT") else 0.02
        assert m.value == pytest.approx(other.value, abs=1e-5 if same_bits(mine, reference) else far)
        assert (m.scored, m.images) == (other.scored, other.images)


def test_the_numbers_of_a_finished_run_are_the_same_to_the_last_bit_but_for_their_intervals(
    whole: RunFolder,
) -> None:
    before = json.loads(whole.metrics_path.read_bytes())
    assert "earlier version's" in " ".join(tables(whole.data())["table.md"].split())
    score(whole)
    after = json.loads(whole.metrics_path.read_bytes())
    assert [{k: v for k, v in m.items() if k not in ANEW} for m in after] == [
        {k: v for k, v in m.items() if k not in ANEW} for m in before
    ]
    for m in after:
        assert m["low"] <= m["fixed_low"] <= m["value"] <= m["fixed_high"] <= m["high"]
        assert m["all_low"] <= m["value"] <= m["all_high"]
    assert "earlier version's" not in whole.path.joinpath("table.md").read_text()


def test_a_finished_run_is_finished_and_reported(whole: RunFolder) -> None:
    run = settings(whole)
    assert whole.data().finished
    data = complete(prepare(run, plan(run)), run, Progress())
    assert data.image_rows == RunFolder(FIRST / "whole").data().image_rows, "nothing is drawn again"
    assert "Bexdra" in report(whole).read_text()


def test_a_half_finished_run_is_finished_as_it_would_have_been(half: RunFolder, whole: RunFolder) -> None:
    kept = half.data()
    run = settings(half)
    data = complete(prepare(run, plan(run)), run, Progress())
    assert data.finished
    assert [r.id for r in data.requests] == [r.id for r in whole.data().requests]
    assert data.image_rows[: len(kept.image_rows)] == kept.image_rows, "what was drawn stays"
    assert_same_pictures(data, whole.data())
    assert_same_numbers(data, whole.data())


def test_the_same_settings_give_the_same_pictures_today(whole: RunFolder, tmp_path: Path) -> None:
    old = whole.data()
    told = old.manifest.config
    run = resolve_settings(
        mitigations=told.mitigations, prompts=told.prompts, seeds=told.seeds, limit=told.limit,
        batch_size=told.batch_size, out=tmp_path / "today",
    )  # fmt: skip
    assert run.config.digest == told.digest, "the same command finds its folder"
    data = complete(prepare(run), run, Progress())
    assert_same_pictures(data, old)
    assert_same_numbers(data, old)
    unfiltered = [(place(r), r.id) for r in old.requests if "filter" not in r.mitigation]
    assert {(place(r), r.id) for r in data.requests} >= set(unfiltered), "their names stay too"


def test_old_folders_compare(whole: RunFolder, tmp_path: Path, capsys) -> None:
    app(["compare", str(whole.path), "--out", str(tmp_path / "compared")], standalone_mode=False)
    assert "negprompt" in capsys.readouterr().out
    assert (tmp_path / "compared" / "compare.html").is_file()


def test_a_folder_that_cannot_be_read_says_so_in_one_line(half: RunFolder, capsys) -> None:
    manifest = json.loads(half.manifest_path.read_text())
    half.manifest_path.write_text(json.dumps({**manifest, "model": None}))
    from copycat.errors import BadFile

    with pytest.raises(BadFile, match="is not a manifest") as caught:
        half.open()
    assert "\n" not in str(caught.value)
