"""`copycat pull`: a published dataset as run folders again."""

from __future__ import annotations

from pathlib import Path

import typer


def pull(
    source: str = typer.Argument(help="user/name or user/name@revision on the hub, or a dataset's folder."),
    to: Path | None = typer.Option(
        None, help="The run folder; of several runs the folder they go into. results/NAME when left out."
    ),
    recompute: bool = typer.Option(
        False, "--recompute", help="Take the rows also where the published numbers do not follow from them."
    ),
) -> None:
    """Download a dataset that copycat published, check it, and make run folders of it."""
    from copycat.cli.folders import RESULTS
    from copycat.publish import remote
    from copycat.publish.pull import pull as pull_folder
    from copycat.runs.folder import RunFolder
    from copycat.runtime.progress import for_stream
    from copycat.stages.report import report

    def target(run: str, runs: int) -> Path:
        return to if to is not None and runs == 1 else (to or RESULTS) / run

    if Path(source).is_dir():
        folder, name, commit = Path(source), Path(source).resolve().name, None
    else:
        wanted = remote.hub_dataset(source)
        folder, commit = remote.download(wanted)
        name = wanted.repository
        typer.echo(f"{name}@{commit}")
    for run in pull_folder(folder, name, commit, target, report, recompute=recompute, progress=for_stream()):
        if not run.fresh:
            typer.echo(f"{run.path} is there already; nothing is left to do.")
            continue
        typer.echo(RunFolder(run.path).page_path)
        if run.withheld:
            typer.echo("Its pictures are withheld; judging them anew takes whoever has them.")
        if not run.same:
            typer.echo("Its numbers were computed anew from its rows, and are others than were published.")
