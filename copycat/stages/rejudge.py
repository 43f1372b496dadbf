"""Rejudge: another judge on the pictures that are there, its figures beside the earlier ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from copycat.errors import UserError
from copycat.judges.base import check_judge, identify
from copycat.judges.card import load_judge_card
from copycat.metrics.summary import summarise
from copycat.progress import Progress
from copycat.records import Agreement, Metric
from copycat.report.view import agreement, lookup
from copycat.runs.clone import check_new, clone
from copycat.runs.folder import RunFolder
from copycat.stages.judge import judge, refuse_withheld
from copycat.stages.plan import check_judge_here
from copycat.stages.report import report
from copycat.stages.score import score


@dataclass(frozen=True)
class Rejudged:
    """What two judges say about the same pictures."""

    folder: RunFolder
    earlier: str | None
    """Identity of the judge before; None where there was none."""
    now: str
    asked: int
    """Questions that were open and have been put."""
    before: Sequence[Metric]
    after: Sequence[Metric]
    agreement: Sequence[Agreement]
    """Of the two, by kind of question; empty where they share none, or one is a panel."""

    def pairs(self) -> list[tuple[Metric | None, Metric | None]]:
        """Each figure by the earlier judge and by the new one; None where one has it not."""
        keys = dict.fromkeys((m.metric, m.mitigation, m.prompt_set) for m in (*self.before, *self.after))
        return [(lookup(self.before, *k), lookup(self.after, *k)) for k in keys]


def rejudge(
    folder: RunFolder,
    judge_name: str,
    *,
    out: Path | None = None,
    progress: Progress | None = None,
    device: str = "auto",
) -> Rejudged:
    """Judge, score and report anew with `judge_name`, in place or in the new folder `out`.

    Verdicts of the earlier judge stay in the rows. Raises a UserError, before anything is written, for a
    judge that cannot answer or cannot be had here, pictures that are withheld, or an `out` that is taken.
    """
    manifest = folder.open().manifest()
    if not folder.frames():
        raise UserError(f"{folder.path} has no pictures to judge; finish it with `copycat run` first.")
    card = load_judge_card(judge_name)
    registry = folder.registry()
    asked_about = {r.character for r in folder.requests()}
    check_judge(card, registry, [c for c in registry.characters if c.slug in asked_about])
    refuse_withheld(folder, card)
    check_judge_here(card, device)
    earlier = manifest.judge
    before = _figures(folder, earlier) if earlier else []
    if out is not None:
        check_new(out)
        folder = clone(folder, out)
    asked = judge(folder, judge_name=judge_name, progress=progress, device=device)
    after = score(folder)
    report(folder)
    now = identify(card)
    both = [a for a in agreement(folder) if set(a.judges) == {earlier, now}]
    return Rejudged(folder, earlier, now, asked, before, after, both)


def _figures(folder: RunFolder, judge_: str) -> list[Metric]:
    """Those that stand in the folder; of a judge whose numbers were forgotten, computed from its rows."""
    found = folder.metrics()
    if found:
        return found
    people = {c.slug: c for c in folder.registry().characters}
    mine = [v for v in folder.verdicts() if v.judge == judge_]
    return summarise(folder.requests(), folder.frames(), mine, people)
