"""`copycat threshold`: how many training pictures it takes until a model imitates."""

from __future__ import annotations

import shlex
from pathlib import Path

import typer


def threshold(
    what: str = typer.Argument(
        metavar="RUN|TABLE",
        help="A run, or a CSV, TSV, JSONL or Parquet file with the columns concept, count and score.",
    ),
    counts: str | None = typer.Option(
        None,
        help="How often each character was trained on: a table, JSON, YAML, or a name (copycat ls counts); "
        "the registry's own, or those that it cites, when left out.",
    ),
    images: Path | None = typer.Option(
        None,
        help="Training pictures, in a folder for each character; the reference pictures when left out.",
    ),
    encoder: str = typer.Option(
        "",
        help="A list of detector cards or folders of vision models (CLIP, SigLIP, DINO); the first answers.",
    ),
    mitigation: str = typer.Option("none", help="Under which mitigation of the run."),
    prompts: str = typer.Option("", help="A list: only these prompt sets of the run."),
    rule: str = typer.Option("tested", help="tested, or reference: the published procedure alone."),
    penalty: float = typer.Option(0.9, help="Of the published procedure: the price of a change point."),
    cut: str = typer.Option("lower", help="Of the filter of training pictures: lower or higher."),
    nearest: int = typer.Option(10, min=1, help="Training pictures that a score is made with."),
    draws: int = typer.Option(1000, min=0, help="Bootstrap draws of the interval; 0 for none."),
    seed: int = typer.Option(0, min=0, help="Of permutations and bootstrap."),
    device: str = typer.Option("auto", help="auto, cpu, cuda, cuda:N or mps."),
    out: Path | None = typer.Option(
        None,
        help="Folder to write to; by default the run's, whose report cites it, or one named as the table.",
    ),
) -> None:
    """Estimate the imitation threshold: the number of training pictures at which imitation sets in.

    The method is that of Verma et al. 2024 (arXiv 2410.15002), with an interval, a test for whether there
    is a threshold at all, and what it depends on; see docs/threshold.md.
    """
    from copycat.cli.folders import opened
    from copycat.cli.parsing import items
    from copycat.errors import UserError
    from copycat.imitation.estimate import Settings
    from copycat.imitation.find import Question, examples_of, of_run, of_table
    from copycat.imitation.measure import Choice
    from copycat.imitation.write import write
    from copycat.io.tables import ENDINGS
    from copycat.report.files import check_free
    from copycat.report.imitation import remarks, verdict
    from copycat.runs.imitation import FILES
    from copycat.runtime.progress import for_stream

    if out is not None:
        check_free(out, FILES, "threshold")
    settings = Settings(rule=rule, penalty=penalty, draws=draws, seed=seed)
    command = f"copycat threshold {shlex.quote(_called(what))}" + "".join(
        f" --{name} {shlex.quote(str(value))}"
        for name, value, usual in (
            ("counts", counts and _called(counts), None),
            ("images", images and _called(str(images)), None),
            ("encoder", ",".join(map(_called, items(encoder))), ""),
            ("mitigation", mitigation, "none"),
            ("prompts", prompts, ""),
            ("rule", rule, "tested"),
            ("penalty", penalty, 0.9),
            ("cut", cut, "lower"),
            ("nearest", nearest, 10),
            ("draws", draws, 1000),
            ("seed", seed, 0),
            # It rounds otherwise.
            ("device", device, "auto"),
        )
        if value != usual
    )
    table = Path(what)
    if table.suffix.lower() in ENDINGS:
        if counts or images or encoder or prompts:
            raise UserError(
                "A table has its counts and scores; --counts, --images, --encoder and --prompts are for runs."
            )
        found = of_table(table, settings, command)
        written = write(found, out or Path("results") / f"threshold-{table.stem}")
    else:
        folder = opened(what)
        data = folder.data()
        choice = Choice(mitigation, items(prompts), images, cut, nearest)
        question = Question(settings, choice, counts, items(encoder) or ("",), device, command)
        found = of_run(data, question, for_stream())
        written = write(found, out or folder.path, examples_of(data, found, choice))
    for sentence in (verdict(found), *remarks(found)):
        typer.echo(sentence)
    typer.echo(f"Written: {', '.join(map(str, written))}")
    if out is None and table.suffix.lower() not in ENDINGS:
        typer.echo(f"To have the report cite it: copycat report {what}")


def _called(path: str) -> str:
    """What a file or folder is called in a record that may be published: no folders of this machine."""
    return Path(path).name or path
