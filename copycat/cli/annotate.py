"""`copycat annotate`: people label a run's pictures on a local page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from copycat.annotate.answers import Answers
    from copycat.runs.data import RunData


def annotate(
    run: str = typer.Argument(help="A run folder, or its name under results/."),
    rater: str | None = typer.Option(None, help="Who labels; asked on the page when left out."),
    sample: int | None = typer.Option(
        None, min=1, help="Only so many pictures, the same for all, balanced over mitigations and characters."
    ),
    foils: float = typer.Option(
        0, min=0, max=1, help="Ask about this share of the pictures once more, for another character."
    ),
    seed: int = typer.Option(0, min=0, help="Decides the sample, the foils and each rater's order."),
    port: int = typer.Option(0, min=0, max=65535, help="Of the page on 127.0.0.1; a free one when left out."),
    open_page: bool = typer.Option(False, "--open/--no-open", help="Open the page in the browser."),
    export: Path | None = typer.Option(
        None, help="Write the labels given so far to a .csv or .parquet file, and stop."
    ),
) -> None:
    """Label pictures by keyboard, blind to the judge's verdict; the same command again resumes."""
    import webbrowser

    from copycat.annotate.answers import Answers
    from copycat.annotate.server import serve
    from copycat.annotate.tasks import sampled, tasks, with_foils
    from copycat.cli.folders import opened

    folder = opened(run)
    answers, data = Answers(folder.labels_path), folder.data()
    if export is not None:
        _export(data, answers, export)
        return
    found = tasks(data)
    if found.missing:
        typer.echo(f"{found.missing} pictures are missing from {data.path} and are left out.", err=True)
    asked = with_foils(sampled(found.tasks, sample, seed), foils, data, seed)

    def ready(address: str) -> None:
        typer.echo(f"{len(asked)} questions at {address} (Ctrl-C ends)")
        if open_page:
            webbrowser.open(address)

    serve(asked, answers, data, seed=seed, port=port, rater=rater, ready=ready)
    typer.echo(f"\n{_told(answers)}; copycat annotate {run} --export labels.csv writes them as a table.")


def _export(run: RunData, answers: Answers, path: Path) -> None:
    from copycat.annotate.export import labels
    from copycat.annotate.tasks import recorded
    from copycat.calibration.labels import write_labels
    from copycat.errors import UserError

    standing = answers.standing()
    if not standing:
        raise UserError(f"{run.path} has no labels yet; copycat annotate {run.path} makes them.")
    rows = labels(standing, recorded(run))
    write_labels(path, rows)
    typer.echo(f"{len(rows)} labels by {len({x.rater for x in rows})} raters written to {path}")


def _told(answers: Answers) -> str:
    given = [a for a in answers.standing() if a.answer != "skip"]
    if not given:
        return f"No labels were given; they would be in {answers.path}"
    raters = len({a.rater for a in given})
    return f"{len(given)} labels by {raters} rater{'' if raters == 1 else 's'} are in {answers.path}"
