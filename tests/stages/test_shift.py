"""How far guardrails move pictures of innocent prompts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from copycat.errors import UserError
from copycat.judges.embedding import EmbeddingDetector
from copycat.measures import MOVED
from copycat.resolve import resolve_settings
from copycat.runs.folder import RunFolder
from copycat.runs.manifest import StageRecord
from copycat.runtime.progress import Progress
from copycat.stages.run import complete
from copycat.stages.score import score
from copycat.stages.shift import measure_shifts
from tests.helpers.innocents import WithInnocents
from tests.helpers.synthetic import SyntheticRun


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """Pictures of innocent prompts; of two characters the guarded picture is the unguarded one's."""
    made = SyntheticRun(tmp_path / "run", characters=3)
    requests = [r.model_copy(update={"prompt_set": "also:neutral"}) for r in made.requests]
    folder = RunFolder(made.path)
    folder.request_journal.replace(requests)
    folder.image_journal.replace(made.image_rows)
    folder.write_registry(made.registry)
    done = StageRecord(status="complete", started="2026-11-30T00:00:00+00:00")
    folder.write_manifest(made.manifest.model_copy(update={"stages": {"generate": done}}))
    return folder


def test_the_same_picture_is_not_moved_and_no_pair_is_measured_twice(folder):
    run = resolve_settings(limit=1, also=("neutral",))
    assert run.features is not None
    # Of nine pairs two have no unguarded picture.
    assert measure_shifts(folder, run, progress=Progress(), device="cpu") == 7
    rows = folder.shift_journal.rows()
    assert {s.encoder for s in rows} == {run.features.identity()}
    assert all(s.distance == pytest.approx(0, abs=1e-6) for s in rows if s.pictures[0] == s.pictures[1])
    assert measure_shifts(folder, run, progress=Progress(), device="cpu") == 0
    assert len(folder.data().shifts) == 7


def test_two_processes_do_not_measure_the_same_pair(folder, monkeypatch):
    run = resolve_settings(limit=1, also=("neutral",))
    alone, others = RunFolder.stage, [RunFolder(folder.path)]

    def stage(self, name):
        # Another process was faster: it has measured all of them when the lock is free.
        while others:
            assert measure_shifts(others.pop(), run, progress=Progress(), device="cpu") == 7
        return alone(self, name)

    monkeypatch.setattr(RunFolder, "stage", stage)
    assert measure_shifts(folder, run, progress=Progress(), device="cpu") == 0
    assert len(folder.shift_journal.rows()) == 7


def test_other_pictures_are_moved_and_broken_features_are_no_distance(folder, monkeypatch):
    run = resolve_settings(limit=1, also=("neutral",))
    turned = iter(np.array([[1, 0], [0, 1], [np.nan, 0], [1, 0]] + [[1, 0], [-1, 0]] * 5, np.float32))

    def vectors(self, images):
        return np.stack([next(turned) for _ in images])

    monkeypatch.setattr(EmbeddingDetector, "vectors", vectors)
    measure_shifts(folder, run, progress=Progress(), device="cpu")
    distances = [s.distance for s in folder.shift_journal.rows()]
    assert distances[:3] == [0.5, None, 1.0]
    assert len(folder.data().shifts) == 6


def test_distances_that_an_interrupt_left_out_are_measured_by_the_next_run(tmp_path: Path):
    made = WithInnocents(tmp_path / "run")
    made.add_innocents()
    made.image_rows = [
        row.model_copy(update={"outcome": "refused_output", "error": None}) if row.outcome == "error" else row
        for row in made.image_rows
    ]
    folder = made.folder()
    folder.shift_journal.path.unlink()
    folder = RunFolder(folder.path)
    score(folder)
    before = folder.data()
    assert before.finished
    assert before.metric(MOVED, "negprompt", "also:neutral") is None
    run = resolve_settings(limit=1, also=("neutral",), device="cpu")
    after = complete(folder, run, Progress())
    moved = after.metric(MOVED, "negprompt", "also:neutral")
    assert moved is not None
    assert moved.scored == 12
    assert "MOVED" in (folder.path / "metrics.json").read_text()
    assert folder.page_is_current
    times = folder.metrics_path.stat().st_mtime_ns
    complete(folder, run, Progress())
    assert folder.metrics_path.stat().st_mtime_ns == times


def test_innocent_prompts_without_the_measure_of_their_price_are_refused():
    with pytest.raises(UserError, match="CONS_prompt among --measures"):
        resolve_settings(also=("neutral",), measures=("DETECT", "CONS"))
    resolve_settings(also=("neutral",), measures=("DETECT", "CONS_prompt"))
