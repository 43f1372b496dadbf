"""`copycat calibrate`: how far a judge can be believed, and where a detector says yes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from copycat.stages.calibrate import Calibrated


def calibrate(
    what: list[str] = typer.Argument(
        metavar="RUN…|JUDGE", help="With --labels: runs. Without: the card of a detector (embedding, phash)."
    ),
    labels: str | None = typer.Option(
        None,
        help="Labels of the runs' pictures: a CSV, TSV, JSONL or Parquet file, a data set's folder, or "
        "user/name or user/name@revision on the hub. See docs/calibrate.md.",
    ),
    judge: str | None = typer.Option(None, help="With --labels: only this judge of the runs."),
    truth: str = typer.Option(
        "", help="With --labels: a list of raters whose majority is taken for true; all when empty."
    ),
    out: Path | None = typer.Option(
        None, help="With --labels: the file to write, RUN/calibration.json when left out."
    ),
    fpr: float | None = typer.Option(
        None, min=0, max=0.5, help="Of a detector: share of other characters' pictures let through (0.01)."
    ),
    device: str = typer.Option("auto", help="Of a detector: cpu, cuda, mps; auto takes the best there is."),
) -> None:
    """Measure judges against labels, or set a detector's threshold.

    `copycat calibrate RUN --labels labels.csv` compares the verdicts of every judge of a run with what most
    raters say: agreement, error rates, thresholds. `copycat score RUN --calibration FILE` cites the result.

    `copycat calibrate JUDGE` measures a similarity detector on its registry's reference pictures and keeps
    its threshold.
    """
    from copycat.errors import UserError

    if labels is not None:
        if fpr is not None:
            raise UserError(
                "--fpr sets a detector's threshold; with --labels the rate at 1 % is always told."
            )
        _against_labels(what, labels, judge, truth, out)
        return
    if judge or truth or out:
        raise UserError("--judge, --truth and --out are for runs with --labels; add --labels FILE.")
    if len(what) > 1:
        raise UserError("One detector at a time; to compare runs with labels add --labels FILE.")
    _detector(what[0], 0.01 if fpr is None else fpr, device)


def _against_labels(runs: list[str], labels: str, judge: str | None, truth: str, out: Path | None) -> None:
    from copycat.cli.folders import opened
    from copycat.cli.parsing import items
    from copycat.errors import UserError
    from copycat.labels import load_labels
    from copycat.stages import calibrate as stage

    folders = [opened(r) for r in dict.fromkeys(runs)]
    if out is None and len(folders) > 1:
        raise UserError("These are several runs; say with --out FILE.json where their calibration goes.")
    path = out or folders[0].path / "calibration.json"
    if path.suffix != ".json":
        raise UserError(
            f"A calibration is a .json file, with tables and pictures beside it, not {path.name}."
        )
    given = Path(labels)
    if given.exists() and given.resolve() in {p.resolve() for p in stage.files(path)}:
        raise UserError(f"{path.stem}.* would overwrite the labels {given}; choose another name with --out.")
    more = [f" --{k} '{v}'" for k, v in (("judge", judge), ("truth", truth)) if v]
    made = stage.calibrate(
        folders,
        load_labels(labels),
        source=given.name if given.exists() else labels,
        judge=judge,
        truth=items(truth),
        command=f"copycat calibrate {' '.join(runs)} --labels {labels}{''.join(more)}",
    )
    written = stage.write(made, path)
    _tell(made)
    typer.echo(f"Written: {', '.join(map(str, written))}")
    typer.echo(f"To cite it: copycat score {folders[0].path} --calibration {path}")


def _tell(made: Calibrated) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from copycat.report.calibration import names, rater_sentence, sentences, share_words
    from copycat.report.words import interval, number

    c = made.calibration
    if made.unknown_images:
        some = ", ".join(map(repr, made.unknown_images[:3]))
        typer.echo(
            f"{c.unknown_labels} labels are of {c.unknown_images} pictures that are not in these runs, and "
            f"were left out: {some}{', …' if len(made.unknown_images) > 3 else ''}",
            err=True,
        )
    for line in (rater_sentence(c), *sentences(c)):
        typer.echo(line)
    table = Table(header_style="bold", pad_edge=False)
    for name in ("judge", "question", "n", "accuracy", "κ [95 %]", "TPR", "FPR", "look-alikes"):
        table.add_column(name, overflow="fold")
    for j in c.judges:
        table.add_row(
            escape(names(c)[j.judge]),
            j.question,
            str(j.counts.n),
            share_words(j.accuracy).partition(" [")[0],
            f"{number(j.kappa, 3)} {escape(interval(j.kappa_low, j.kappa_high, 3))}",
            *(escape(share_words(s)) for s in (j.tpr, j.fpr, j.fpr_lookalike)),
        )
    Console().print(table)


def _detector(name: str, fpr: float, device: str) -> None:
    import json

    from copycat.atomic import write_text
    from copycat.cli.folders import opened
    from copycat.device import resolve_device
    from copycat.errors import UnknownName, UserError
    from copycat.judges.calibrate import calibrate as measure
    from copycat.judges.card import load_judge_card
    from copycat.paths import DATA, ROOT
    from copycat.runs import environment

    try:
        card = load_judge_card(name)
    except UnknownName:
        try:
            opened(name)
        except UnknownName:
            pass
        else:
            raise UserError(f"{name} is a run; add --labels FILE to calibrate its judges.") from None
        raise
    if card.calibration is None:
        raise UserError(
            f"The card of {card.name} does not say where its threshold lies; add `calibration`. To measure a "
            "judge against labels: copycat calibrate RUN --labels FILE."
        )
    found = measure(card, fpr, resolve_device(device, f"The judge {card.name}", card.min_gpu_gb))
    commit, _ = environment.git_state(ROOT)
    found |= {"command": f"copycat calibrate {card.name} --fpr {fpr:g}", "commit": commit}
    path = DATA / card.calibration
    write_text(path, json.dumps(found, indent=1) + "\n")
    typer.echo(
        f"Threshold {found['threshold']:.3f}: finds {found['tpr']:.1%} of the characters' other pictures and "
        f"takes {found['fpr']:.1%} of the pairs with another character for it; written to {path}"
    )
