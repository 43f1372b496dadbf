"""`copycat report`: the tables, the figures and the page anew."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import typer


def report(
    run: str = typer.Argument(help="A run folder, or its name under results/."),
    pictures: Literal["auto", "inside", "beside"] = typer.Option(
        "auto",
        help="Where the page's pictures are: inside it, which makes one file to send; beside it, with "
        "thumbnails, which opens quickly; or as their number asks for.",
    ),
    tables: Path | None = typer.Option(
        None, help="Write the tables and figures to this folder too, to publish them; no pictures."
    ),
    counts: list[str] = typer.Option(
        [], help="A counts file (copycat count), or its name (copycat ls counts): DETECT by frequency too."
    ),
) -> None:
    """Write a run's tables, figures and page anew from its rows."""
    from copycat.cli.folders import opened
    from copycat.runtime.progress import for_stream
    from copycat.stages import report as stage
    from copycat.subjects.counts import load_counts

    known = [load_counts(c) for c in counts]
    folder = opened(run)
    page = stage.report(folder, where=pictures, progress=for_stream(), counts=known)
    if tables is not None:
        stage.write_results(folder.data(), tables)
        typer.echo(f"{tables / 'table.md'}, .csv and .tex")
    typer.echo(str(page))
