"""Rejudge: another judge on the pictures that are there, its figures beside the earlier ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from copycat.errors import UserError
from copycat.measures import measure
from copycat.measures.summary import summarise
from copycat.records import Agreement, Metric
from copycat.report.terminal import grid, say
from copycat.report.words import (
    DASH,
    agreement_sentence,
    estimate,
    fixed_interval,
    of_all_where_open,
    population_interval,
)
from copycat.runs.clone import check_new, clone
from copycat.runs.data import lookup
from copycat.runs.folder import RunFolder
from copycat.runtime.progress import Progress
from copycat.stages.affordable import check_judge_affordable, check_judge_batches
from copycat.stages.judge import find_judging, judge, refuse_withheld
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
    """Questions that were open, and that it has answered now."""
    before: Sequence[Metric]
    after: Sequence[Metric]
    agreement: Sequence[Agreement]
    """Of the two, by kind of question; empty where they share none, or one is a panel."""

    def pairs(self) -> list[tuple[Metric | None, Metric | None]]:
        """Each figure by the earlier judge and by the new one; None where one has it not."""
        keys = dict.fromkeys((m.metric, m.mitigation, m.prompt_set) for m in (*self.before, *self.after))
        found = [(measure(metric), mitigation, prompts) for metric, mitigation, prompts in keys]
        return [(lookup(self.before, *k), lookup(self.after, *k)) for k in found]


def rejudge(
    folder: RunFolder,
    judge_name: str,
    *,
    out: Path | None = None,
    progress: Progress | None = None,
    device: str = "auto",
    concurrency: int | None = None,
    max_cost: float | None = None,
    reuse: bool | None = None,
    engine: str | None = None,
    address: str | None = None,
    batch: bool = False,
) -> Rejudged:
    """Judge, score and report anew with `judge_name`, in place or in the new folder `out`.

    Verdicts of the earlier judge stay in the rows. Raises a UserError, before anything is written, for a
    judge that cannot answer or cannot be had here, pictures that are withheld, or an `out` that is taken.
    """
    data = folder.open().data()
    if not data.frames:
        raise UserError(f"{folder.path} has no pictures to judge; finish it with `copycat run` first.")
    judging = find_judging(data, judge_name)
    refuse_withheld(data, judging)
    config = data.manifest.config.model_copy(update={"batch": batch}).computed_by(engine, address)
    check_judge_here(judging.card, device, config, folder.path)
    if batch:
        check_judge_batches(judging.card)
    check_judge_affordable(judging.card, max_cost, batch=batch)
    earlier, now = data.manifest.judge, judging.identity
    # Of a judge whose numbers were forgotten they are computed from its rows.
    before = data.metrics or summarise(data.evidence(earlier)) if earlier else ()
    if out is not None:
        check_new(out)
        folder = clone(folder, out)
    asked = judge(
        folder,
        judging,
        progress=progress,
        device=device,
        concurrency=concurrency,
        max_cost=max_cost,
        reuse=reuse,
        engine=engine,
        address=address,
        batch=batch,
    )
    after = score(folder)
    report(folder)
    both = [a for a in folder.data().agreement if set(a.judges) == {earlier, now}]
    return Rejudged(folder, earlier, now, asked, before, after, both)


def print_rejudged(console: Console, found: Rejudged) -> None:
    """Every figure by both judges, how far they agree, and where the report is."""
    say(console, f"Before: {found.earlier or 'no judge'}")
    say(console, f"Now: {found.now} ({found.asked} questions asked)")
    table = grid(("mitigation", "prompts", "metric"), ("before, 95 %", "now, 95 %", "scored"))
    for pair in found.pairs():
        m = next(filter(None, pair))
        scored = (f"{x.scored}/{x.images}" if x else DASH for x in pair)
        cells = (*map(_with_interval, pair), "\n".join(scored))
        table.add_row(escape(m.mitigation), escape(m.prompt_set), m.metric, *cells)
    console.print(table)
    for a in found.agreement:
        say(console, agreement_sentence(a))
    if found.earlier == found.now:
        say(console, "That judge had judged this run already.")
    elif found.earlier and not found.agreement:
        say(
            console,
            "No agreement to tell: one of the two is a panel, or they have answered different questions.",
        )
    say(console, f"Report: {found.folder.page_path}")


def _with_interval(m: Metric | None) -> str:
    if m is None:
        return DASH
    told = estimate(m), f"{fixed_interval(m)}, these", f"{population_interval(m)}, like these"
    return escape("\n".join(filter(None, (*told, of_all_where_open(m)))))
