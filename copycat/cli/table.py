"""`copycat table`: results laid out as the paper's tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

if TYPE_CHECKING:
    from copycat.paper.base import Place


def table(
    which: str = typer.Argument(help="1 to 9, fig3, fig6, … (copycat ls tables)."),
    runs: list[str] = typer.Argument(
        None,
        help="Run folders, or their names under results/; for tables 6, 7 and 9 and fig6 calibration files "
        "or reports of `copycat gate`. None shows what is published.",
    ),
    out: Path | None = typer.Option(None, help="Folder to write it to: Markdown, CSV, and LaTeX or a plot."),
    form: Literal["md", "csv", "tex"] = typer.Option("md", "--format", help="What to print."),
    needs: Literal["mitigations", "prompts"] | None = typer.Option(
        None, help="Print what a run must hold to fill the table, as `copycat run` takes it, and stop."
    ),
    rewriter: str = typer.Option(
        "rewrite",
        help="Who rewrites in the cells about rewritten prompts: a mitigation such as rewrite-llm, or a set "
        "of rewritten prompts. Shown first, and asked for by --needs.",
    ),
) -> None:
    """Lay runs out as one of the paper's tables, beside the published numbers."""
    from copycat.cli.folders import opened
    from copycat.errors import UserError
    from copycat.io.atomic import write_bytes
    from copycat.paper import load
    from copycat.paper.document import document, needed, open_sources

    wanted = load(which)
    if needs:
        typer.echo(needed(wanted, needs, _usable, rewriter))
        return
    texts = document(wanted, open_sources(runs or (), opened, rewriter))
    if form not in texts:
        others = (k for k in texts if k in ("md", "csv", "tex"))
        raise UserError(f"There is no {form} of {wanted.stem}; choose {' or '.join(others)}.")
    if out is not None:
        for ending, content in texts.items():
            write_bytes(out / f"{wanted.stem}.{ending}", content)
    typer.echo(texts[form].decode(), nl=False)


def _usable(place: Place) -> bool:
    """Whether there is a mitigation here that the place asks for."""
    from copycat.errors import UserError
    from copycat.mitigations import parse

    try:
        parse(place.mitigation)
    except UserError:
        return False
    return True
