"""`copycat score`: the numbers anew."""

from __future__ import annotations

from pathlib import Path

import typer


def score(
    run: str = typer.Argument(help="A run folder, or its name under results/."),
    calibration: Path | None = typer.Option(
        None, help="A calibration of the run's judge to cite from now on (copycat calibrate)."
    ),
) -> None:
    """Compute the metrics of a run anew from its rows."""
    from copycat.cli.folders import opened
    from copycat.stages import score as stage

    folder = opened(run)
    metrics = stage.score(folder, calibration)
    typer.echo(f"{len(metrics)} metrics in {folder.metrics_path}")
