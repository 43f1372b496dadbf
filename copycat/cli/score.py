"""`copycat score`: the numbers anew."""

from __future__ import annotations

from pathlib import Path

import typer


def score(
    run: str = typer.Argument(help="A run folder, or its name under results/."),
    calibration: Path | None = typer.Option(
        None, help="A calibration of the run's judge to cite from now on (copycat calibrate)."
    ),
    strict: bool = typer.Option(
        False, "--strict", help="End with exit code 1 where pictures or answers are still missing."
    ),
) -> None:
    """Compute the metrics of a run anew from its rows."""
    from copycat.cli.folders import opened
    from copycat.stages import score as stage

    folder = opened(run)
    metrics = stage.score(folder, calibration)
    typer.echo(f"{len(metrics)} metrics in {folder.metrics_path}")
    gaps = stage.missing(folder)
    for gap in gaps:
        typer.echo(gap, err=True)
    if gaps and strict:
        raise typer.Exit(1)
