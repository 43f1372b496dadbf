"""The judge's weights are read ahead when the last batches are drawn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from copycat.io.read_ahead import ReadAhead
from copycat.resolve import ResolvedRun
from copycat.runs.folder import RunFolder
from copycat.runtime.progress import Progress
from copycat.stages import run as stages
from copycat.stages.generate import generate
from copycat.stages.plan import prepare
from tests.conftest import Tiny


def test_it_is_told_when_the_last_batches_are_drawn(config: Callable[..., ResolvedRun]) -> None:
    made = config(mitigations=("none",), batch_size=1)
    folder = prepare(made)
    finished: list[int] = []
    generate(folder, made, ending=lambda: finished.append(len(folder.image_journal.rows())))
    # Six batches: before the rows of the fourth are written two are left, and so on to none.
    assert finished == [3, 4, 5]
    again: list[int] = []
    generate(folder, made, ending=lambda: again.append(1))
    assert not again, "nothing was left to draw"


def test_a_run_of_few_batches_begins_at_once(config: Callable[..., ResolvedRun]) -> None:
    made = config(mitigations=("none",), seeds=(0,))
    folder = prepare(made)
    finished: list[int] = []
    generate(folder, made, ending=lambda: finished.append(len(folder.image_journal.rows())))
    assert finished[0] == 0


@pytest.mark.parametrize("judge", ["local", "hosted"])
def test_a_run_reads_its_own_judge_ahead(
    run, tiny_models: Tiny, monkeypatch: pytest.MonkeyPatch, judge: str
) -> None:
    begun: list[tuple[list[str], bool]] = []
    monkeypatch.setattr(
        ReadAhead, "start", lambda self: begun.append((sorted(f.name for f in self._files), judged()))
    )
    made = run(judge=str(tiny_models.judge) if judge == "local" else "seer")

    def judged() -> bool:
        return bool(RunFolder(made.folder).verdict_journal.rows())

    stages.complete(prepare(made), made, Progress())
    expected = sorted(p.name for p in Path(tiny_models.judge).glob("*.safetensors"))
    assert begun
    assert {tuple(names) for names, _ in begun} == {tuple(expected if judge == "local" else ())}
    assert not any(late for _, late in begun)
    assert expected, "there is something to read"
