"""`copycat calibrate`: how far a judge can be believed, and where a detector says yes."""

from __future__ import annotations

from pathlib import Path

import typer


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
        None,
        help="The file to write; RUN/calibration.json when left out, or for a detector one in your own "
        "folder, which goes before the one that its card names.",
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
    its threshold in your own folder.
    """
    from copycat.errors import UserError

    if labels is not None:
        if fpr is not None:
            raise UserError(
                "--fpr sets a detector's threshold; with --labels the rate at 1 % is always told."
            )
        _against_labels(what, labels, judge, truth, out)
        return
    if judge or truth:
        raise UserError("--judge and --truth are for runs with --labels; add --labels FILE.")
    if len(what) > 1:
        raise UserError("One detector at a time; to compare runs with labels add --labels FILE.")
    _detector(what[0], 0.01 if fpr is None else fpr, device, out)


def _against_labels(runs: list[str], labels: str, judge: str | None, truth: str, out: Path | None) -> None:
    from rich.console import Console

    from copycat.calibration import calibrate as stage
    from copycat.calibration.labels import load_labels
    from copycat.calibration.terminal import print_calibration, unknown_pictures
    from copycat.cli.folders import opened
    from copycat.cli.parsing import items
    from copycat.errors import UserError
    from copycat.io.paths import ROOT
    from copycat.runtime import environment

    folders = [opened(r) for r in dict.fromkeys(runs)]
    if out is None and len(folders) > 1:
        raise UserError("These are several runs; say with --out FILE.json where their calibration goes.")
    path = out or folders[0].calibration_path
    if path.suffix != ".json":
        raise UserError(
            f"A calibration is a .json file, with tables and pictures beside it, not {path.name}."
        )
    given = Path(labels)
    if given.exists() and given.resolve() in {p.resolve() for p in stage.files(path)}:
        raise UserError(f"{path.stem}.* would overwrite the labels {given}; choose another name with --out.")
    more = [f" --{k} '{v}'" for k, v in (("judge", judge), ("truth", truth)) if v]
    made = stage.calibrate(
        {f.path: f.data().evidence() for f in folders},
        load_labels(labels),
        source=given.name if given.exists() else labels,
        judge=judge,
        truth=items(truth),
        commit=environment.git_state(ROOT)[0],
        command=f"copycat calibrate {' '.join(runs)} --labels {labels}{''.join(more)}",
    )
    written = stage.write(made, path)
    if left_out := unknown_pictures(made):
        typer.echo(left_out, err=True)
    print_calibration(Console(), made)
    typer.echo(f"Written: {', '.join(map(str, written))}")
    typer.echo(f"To cite it: copycat score {folders[0].path} --calibration {path}")


def _detector(name: str, fpr: float, device: str, out: Path | None) -> None:
    from copycat.cli.folders import opened
    from copycat.errors import UnknownName, UserError
    from copycat.stages.threshold import set_threshold

    try:
        typer.echo(set_threshold(name, fpr, device, out))
    except UnknownName:
        try:
            opened(name)
        except UnknownName:
            pass
        else:
            raise UserError(f"{name} is a run; add --labels FILE to calibrate its judges.") from None
        raise
