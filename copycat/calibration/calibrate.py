"""Calibrate: a run's verdicts against labels of its pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from copycat.calibration.join import join
from copycat.calibration.labels import Label, digest_labels
from copycat.calibration.measure import concerned, kinds, of_each_other, of_judges, of_raters
from copycat.calibration.plots import Kinds, picture
from copycat.calibration.tables import comparison_latex, csv_text, markdown, names
from copycat.cards.calibration import Calibration, document
from copycat.errors import UnknownName, UserError
from copycat.io.atomic import write_bytes
from copycat.io.version import __version__
from copycat.measures import Evidence
from copycat.records import ImageRow, Request, Verdict

ENDINGS = ("json", "md", "csv", "tex")
PICTURES = ("svg", "png")


@dataclass(frozen=True)
class Calibrated:
    """The file's content, and what its pictures are drawn from."""

    calibration: Calibration
    scores: Mapping[str, Kinds] = field(default_factory=dict)
    """By judge: scores of the pictures that show the character, and of the others."""
    unknown_images: tuple[str, ...] = ()
    """Labelled pictures that are not in the runs."""


def calibrate(
    runs: Mapping[Path, Evidence],
    labels: Sequence[Label],
    *,
    source: str,
    command: str,
    commit: str | None,
    judge: str | None = None,
    truth: Sequence[str] = (),
) -> Calibrated:
    """Compare every judge's verdicts in `runs`, by their folders, with what most raters say.

    `judge` is an identity or a card's name, and leaves out the others; `truth` are the raters whose majority
    counts, by default all. `command` and `commit` say how the file came about. Raises UserError where there
    is nothing to compare, and as `join` does.
    """
    every = _together(runs)
    chosen = replace(every, verdicts=_select_judge(every.verdicts, judge))
    joined = join(labels, every)
    for rater in truth:
        if rater not in joined.raters:
            raise UnknownName("rater", rater, joined.raters)
    believed = tuple(truth) or joined.raters
    items = concerned(joined.items)
    if not items:
        raise UserError(
            "The labels are of pictures of innocent prompts (--also) alone, on which no judge is asked for a "
            "character; label pictures of other prompts."
        )
    verdicts_on = [i.truth(believed) for i in items]
    silent = sum(not i.votes(believed) for i in items)
    known = [t for t in verdicts_on if t is not None]
    if not known:
        raise UserError(
            f"The labels leave no picture of known truth: {silent} have no answer, on "
            f"{len(items) - silent} as many raters say yes as no."
        )
    found = list(of_judges(chosen, items, believed))
    if not found:
        first = next(iter(runs))
        raise UserError(
            f"No judge of this run has answered on a labelled picture; run `copycat judge {first}`."
        )
    calibration = Calibration(
        runs=tuple(path.name for path in runs),
        models=tuple(dict.fromkeys(i.request.model for i in items)),
        registry=every.registry.name,
        labels=source,
        labels_sha256=digest_labels(labels),
        truth=believed,
        items=len(known),
        positives=sum(known),
        ties=len(verdicts_on) - len(known) - silent,
        unanswered=silent,
        unknown_labels=joined.unknown_labels,
        unknown_images=len(joined.unknown_images),
        raters=of_each_other(items, joined.raters, believed),
        judges=(*(j for j, _ in found), *of_raters(items, joined.raters, believed)),
        command=command,
        commit=commit,
        copycat=__version__,
    )
    called = names(calibration)
    scores = {called[j.judge]: kinds(answers) for j, answers in found if j.scores}
    return Calibrated(calibration, scores, joined.unknown_images)


def _together(runs: Mapping[Path, Evidence]) -> Evidence:
    """All runs as one; what two of them share counts once."""
    requests: dict[str, Request] = {}
    frames: dict[str, Sequence[ImageRow]] = {}
    verdicts: list[Verdict] = []
    names = dict.fromkeys(run.registry.name for run in runs.values())
    if len(names) > 1:
        raise UserError(f"These runs are of different characters ({', '.join(names)}); calibrate each alone.")
    for run in runs.values():
        fresh = {r.id: r for r in run.requests if r.id not in requests}
        requests |= fresh
        frames |= {request: rows for request, rows in run.frames.items() if request in fresh}
        verdicts += run.verdicts
    first, evidence = next(iter(runs.items()))
    if not verdicts:
        raise UserError(f"{first} has no verdicts to compare with; run `copycat judge {first}` first.")
    return Evidence(list(requests.values()), frames, verdicts, evidence.registry)


def _select_judge(verdicts: Sequence[Verdict], judge: str | None) -> list[Verdict]:
    if judge is None:
        return list(verdicts)
    chosen = [v for v in verdicts if judge in (v.judge, v.judge.partition("@")[0])]
    if not chosen:
        raise UnknownName("judge of this run", judge, {v.judge.partition("@")[0] for v in verdicts})
    return chosen


def files(path: Path) -> list[Path]:
    """All that :func:`write` may write for the calibration file `path`."""
    return [path.with_suffix(f".{e}") for e in (*ENDINGS, *PICTURES)]


def write(made: Calibrated, path: Path) -> list[Path]:
    """Write the calibration file `path` and its tables and pictures beside it; returns what was written."""
    c, content = made.calibration, {}
    called = names(c)
    bins = {called[j.judge]: j.scores.bins for j in c.judges if j.scores}
    if made.scores:
        content = {form: picture(made.scores, bins, form) for form in PICTURES}
    named = {", ".join(c.runs): c}
    title = f"Judges against labels: {', '.join(c.runs)}"
    content |= {
        "md": markdown(c, path.with_suffix(".svg").name if made.scores else None).encode(),
        "csv": csv_text(named).encode(),
        "tex": comparison_latex(named, title, (), "tab:calibration").encode(),
        # Last, so that the file that is cited is there only when all of it is.
        "json": document(c),
    }
    for ending, text in content.items():
        write_bytes(path.with_suffix(f".{ending}"), text)
    return [path.with_suffix(f".{e}") for e in content]
