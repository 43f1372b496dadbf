"""`copycat report`: the page anew."""

from __future__ import annotations

import typer


def report(run: str = typer.Argument(help="A run folder, or its name under results/.")) -> None:
    """Write a run's table and page anew from its rows."""
    from copycat.cli.folders import opened
    from copycat.stages import report as stage

    typer.echo(str(stage.report(opened(run))))
