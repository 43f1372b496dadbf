"""`copycat judge`: verdicts for pictures that have none."""

from __future__ import annotations

import typer


def judge(
    run: str = typer.Argument(help="A run folder, or its name under results/."),
    judge_name: str | None = typer.Option(None, "--judge", help="Another judge than the run's own."),
    device: str = typer.Option("auto", help="cpu, cuda, mps; auto takes the best there is."),
    concurrency: int | None = typer.Option(
        None, min=1, help="Calls in flight to a hosted judge; its card's when left out."
    ),
) -> None:
    """Ask a judge about the pictures of a run that have no verdict yet."""
    from copycat.cli.folders import opened
    from copycat.runtime.progress import for_stream
    from copycat.stages import judge as stage

    stage.judge(
        opened(run), judge_name=judge_name, progress=for_stream(), device=device, concurrency=concurrency
    )
