"""`copycat rejudge`: another judge on pictures that are there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from copycat.records import Metric
    from copycat.stages.rejudge import Rejudged


def rejudge(
    run: str = typer.Argument(help="A run folder, or its name under results/."),
    judge_name: str = typer.Option(..., "--judge", help="A judge card (copycat ls judges) or folder."),
    out: Path | None = typer.Option(
        None, help="A new run folder for the result; the run itself when left out."
    ),
    device: str = typer.Option("auto", help="cpu, cuda, mps; auto takes the best there is."),
) -> None:
    """Judge, score and report anew with another judge, and show its figures beside the earlier ones."""
    from rich.console import Console

    from copycat.cli.folders import opened
    from copycat.progress import for_stream
    from copycat.report.words import agreement_sentence
    from copycat.stages.rejudge import rejudge as stage

    found = stage(opened(run), judge_name, out=out, progress=for_stream(), device=device)
    console = Console()

    def tell(line: str) -> None:
        console.print(line, markup=False, highlight=False, soft_wrap=True)

    tell(f"Before: {found.earlier or 'no judge'}")
    tell(f"Now: {found.now} ({found.asked} questions asked)")
    console.print(_beside(found))
    for a in found.agreement:
        tell(agreement_sentence(a))
    if found.earlier == found.now:
        tell("That judge had judged this run already.")
    elif found.earlier and not found.agreement:
        tell("No agreement to tell: one of the two is a panel, or they have answered different questions.")
    tell(f"Report: {found.folder.path / 'report.html'}")


def _beside(found: Rejudged) -> Table:
    from rich.markup import escape
    from rich.table import Table

    table = Table(header_style="bold", pad_edge=False)
    for name in ("mitigation", "prompts", "metric"):
        table.add_column(name, overflow="fold")
    for name in ("before, 95 %", "now, 95 %", "scored"):
        table.add_column(name, justify="right")
    for before, after in found.pairs():
        m = before or after
        if m is not None:
            cells = (_cell(before), _cell(after), f"{_scored(before)}\n{_scored(after)}")
            table.add_row(escape(m.mitigation), escape(m.prompt_set), m.metric, *cells)
    return table


def _cell(m: Metric | None) -> str:
    from rich.markup import escape

    from copycat.report.words import DASH, digits, estimate, interval

    return f"{estimate(m)}\n{escape(interval(m.low, m.high, digits(m.metric)))}" if m else DASH


def _scored(m: Metric | None) -> str:
    from copycat.report.words import DASH

    return f"{m.scored}/{m.images}" if m else DASH
