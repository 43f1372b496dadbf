"""`copycat judge`: verdicts for pictures that have none."""

from __future__ import annotations

import typer


def judge(
    run: str = typer.Argument(help="A run folder, or its name under results/."),
    judge_name: str | None = typer.Option(None, "--judge", help="Another judge than the run's own."),
    device: str = typer.Option("auto", help="cpu, cuda, mps; auto takes the best there is."),
    engine: str | None = typer.Option(
        None, help="local or ray: where to ask a judge that runs here; where the run was drawn when left out."
    ),
    address: str | None = typer.Option(None, help="host:port of the Ray cluster's head, or auto."),
    concurrency: int | None = typer.Option(
        None, min=1, help="Calls in flight to a hosted judge; its card's when left out."
    ),
    max_cost: float | None = typer.Option(
        None, help="Dollars that the run's hosted calls may cost; no call passes it (docs/costs.md)."
    ),
    cache: bool | None = typer.Option(
        None,
        "--cache/--no-cache",
        help="Take a hosted judge's answers from the cache and keep them there; on when left out.",
    ),
    dry_run: bool = typer.Option(
        False, "--dry-run", help="Say what is left to ask and what it costs; ask and write nothing."
    ),
) -> None:
    """Ask a judge about the pictures of a run that have no verdict yet."""
    from copycat.cli.folders import opened
    from copycat.runtime.progress import for_stream
    from copycat.stages import judge as stage
    from copycat.stages.estimate import still_to_ask

    if dry_run:
        for line in still_to_ask(opened(run), judge_name, cache):
            typer.echo(line)
        typer.echo("Dry run: nothing was asked or written.")
        return
    stage.judge(
        opened(run),
        judge_name=judge_name,
        progress=for_stream(),
        device=device,
        concurrency=concurrency,
        max_cost=max_cost,
        reuse=cache,
        engine=engine,
        address=address,
    )
