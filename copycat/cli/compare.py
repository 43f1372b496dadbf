"""`copycat compare`: runs and mitigations beside one another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from copycat.report.comparison.write import Document


def compare(
    runs: list[str] = typer.Argument(
        help="Run folders, or their names under results/; one with several mitigations will do."
    ),
    out: Path | None = typer.Option(None, help="Folder to write to; by default one under results/."),
    mitigation: str = typer.Option("", help="A list: only these mitigations."),
    prompts: str = typer.Option("", help="A list: only these prompt sets."),
    baseline: str | None = typer.Option(
        None, help="What the others are compared with: a mitigation, or 'RUN: MITIGATION'; by default none."
    ),
    all_pairs: bool = typer.Option(False, "--all-pairs", help="Compare every two conditions."),
    worst: int = typer.Option(20, min=0, help="Characters of each comparison whose pictures are shown."),
) -> None:
    """Compare runs on the characters, seeds and prompt sets that they have in common."""
    from copycat.cli.folders import RESULTS, opened
    from copycat.cli.parsing import items
    from copycat.report.comparison import common, comparisons
    from copycat.report.comparison.folder import default_name, write
    from copycat.report.comparison.write import Document

    shared = common([opened(r) for r in runs], mitigations=items(mitigation), prompt_sets=items(prompts))
    doc = Document(shared, comparisons(shared, baseline=baseline, all_pairs=all_pairs))
    folder = out or RESULTS / default_name(shared, baseline, all_pairs)
    page = write(doc, folder, worst)
    _tell(doc)
    typer.echo(f"Written: {page}")


def _tell(doc: Document) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from copycat.report.comparison.write import chance
    from copycat.report.words import digits, interval, number

    console = Console()

    def say(text: str) -> None:
        console.print(text, markup=False, highlight=False, soft_wrap=True)

    for warning in doc.shared.warnings:
        say(f"WARNING: {warning}")
    for text in doc.about:
        say(text)
    bases = list(dict.fromkeys(c.base.label for c in doc.made))
    # What is the same in every line goes into the title, so that the table fits 80 columns.
    same = f", minus {bases[0]}" if len(bases) == 1 else ""
    same += f", on {doc.shared.prompt_sets[0]}" if len(doc.shared.prompt_sets) == 1 else ""
    table = Table(
        title=escape(f"Differences{same}"), title_justify="left", header_style="bold", pad_edge=False
    )
    for name in ("metric", "condition", *(["prompts"] if len(doc.shared.prompt_sets) > 1 else [])):
        table.add_column(name, overflow="fold")
    for name in ("difference", "95 %", "p (Holm)"):
        table.add_column(name, justify="right")
    for c in doc.made:
        places, d = digits(c.metric), c.found.difference
        condition = c.other.label if len(bases) == 1 else f"{c.other.label} − {c.base.label}"
        table.add_row(
            escape(c.metric),
            escape(condition),
            *([escape(c.prompt_set)] if len(doc.shared.prompt_sets) > 1 else []),
            number(d.value, places, signed=True),
            interval(d.low, d.high, places, signed=True),
            chance(c.adjusted.holm if c.adjusted else None),
        )
    console.print(table)
