"""`copycat verbatim RUN`: how near a run's pictures come to reference pictures."""

from __future__ import annotations

import shlex
from pathlib import Path

import typer


def images(
    run: str = typer.Argument(help="A run folder, or its name under results/."),
    references: Path | None = typer.Option(
        None,
        help="A folder of pictures (those of a character in a folder called as its slug) or a Parquet file "
        "with a column of pictures; the registry's reference pictures when left out.",
    ),
    encoder: str = typer.Option(
        "",
        help="A detector's card, or the folder of a vision model (SSCD-like, DINO, CLIP); the registry's own "
        "when left out.",
    ),
    device: str = typer.Option("auto", help="auto, cpu, cuda, cuda:N or mps."),
    out: Path | None = typer.Option(
        None, help="Folder to write to; by default the run's, whose report then shows it."
    ),
) -> None:
    """Put every picture of a run on the ladder from an exact copy down to the style alone.

    Each output is shown beside the reference that it is nearest to. The same command again resumes. See
    docs/verbatim.md.
    """
    from copycat.cli.folders import opened
    from copycat.io.words import whole
    from copycat.report import ladder as words
    from copycat.report.files import check_free
    from copycat.runs.ladder import FILES
    from copycat.runtime.progress import for_stream
    from copycat.verbatim.images.find import Question, of_run
    from copycat.verbatim.images.words import left_out
    from copycat.verbatim.images.write import write

    folder = opened(run)
    if out is not None:
        check_free(out, FILES, "ladder")
    command = f"copycat verbatim {shlex.quote(run)}" + "".join(
        f" --{name} {shlex.quote(str(value))}"
        for name, value in (("references", references), ("encoder", encoder))
        if value
    )
    data = folder.data()
    question = Question(references, encoder, device, whole(command))
    found = of_run(data, question, out or folder.path, for_stream())
    written = write(found.ladder, found.standings, data, found.references, out or folder.path)
    for line in words.lines(found.ladder.cells):
        typer.echo(line)
    for sentence in left_out(found.ladder):
        typer.echo(sentence, err=True)
    typer.echo(f"Written: {', '.join(map(str, written))}")
    if out is None:
        typer.echo(f"To have the report show it: copycat report {shlex.quote(run)}")


def calibrate(
    judge: str = typer.Argument(help="A judge card of kind ladder (copycat ls judges)."),
    out: Path | None = typer.Option(None, help="The JSON file to write; that of the card when left out."),
    device: str = typer.Option("auto", help="auto, cpu, cuda, cuda:N or mps."),
) -> None:
    """Measure where each rung of a ladder begins, on the pictures that its card compares with.

    `ladder[at=near-copy]` asks such a judge; see docs/verbatim.md.
    """
    from copycat.io.paths import check_writable
    from copycat.runtime.progress import for_stream
    from copycat.verbatim.images.calibrating import set_thresholds

    if out is not None:
        check_writable(out)
    typer.echo(str(set_thresholds(judge, device, out, for_stream())))
