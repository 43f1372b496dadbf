"""`copycat import-verdicts`: answers recorded elsewhere as verdicts of a run."""

from __future__ import annotations

import typer


def import_verdicts(
    run: str = typer.Argument(help="A run folder, or its name under results/."),
    table: str = typer.Argument(
        help="CSV, TSV, JSONL, Parquet or a data set with columns image or sha256, and names, score or reply."
    ),
    judge: str | None = typer.Option(
        None,
        help="Who answered, where the table has no column judge; of several, whose the numbers shall be.",
    ),
) -> None:
    """Take a table of recorded answers, of any judge or rater, as verdicts, and score the run by them."""
    from copycat.cli.folders import opened
    from copycat.measures import DETECT, DETECT_TARGETED
    from copycat.records import IDENTIFY, VERIFY
    from copycat.runs.recorded import import_verdicts as take
    from copycat.stages.report import report
    from copycat.stages.score import score

    folder = opened(run)
    found = take(folder, table, judge)
    for name, count in found.judges.items():
        typer.echo(f"{count} verdicts of {name}")
    if found.unscored:
        typer.echo(f"Without an answer, and so unscored: {found.unscored}, such as {found.example}.")
    if found.elsewhere:
        typer.echo(f"Rows about other pictures or characters, which were left out: {found.elsewhere}.")
    if VERIFY in found.kinds:
        told = (
            f"Answers about the character by name fill {DETECT_TARGETED.name}, in metrics.json and no table"
        )
        names = "" if IDENTIFY in found.kinds else f"; {DETECT.name} is of names, and stays empty"
        typer.echo(f"{told}{names}.")
    metrics = score(folder)
    report(folder)
    typer.echo(f"{len(metrics)} metrics by {found.numbers_of} in {folder.metrics_path}")
    typer.echo(f"Report: {folder.page_path}")
