"""`copycat judge`: verdicts for pictures that have none."""

from __future__ import annotations

import typer

from copycat.cli.asking import Address, Batch, Cache, Concurrency, Device, Engine, MaxCost, RunArgument


def judge(
    run: RunArgument,
    judge_name: str | None = typer.Option(None, "--judge", help="Another judge than the run's own."),
    device: Device = "auto",
    engine: Engine = None,
    address: Address = None,
    concurrency: Concurrency = None,
    max_cost: MaxCost = None,
    cache: Cache = None,
    batch: Batch = False,
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
        for line in still_to_ask(opened(run), judge_name, cache, batch=batch):
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
        batch=batch,
    )
