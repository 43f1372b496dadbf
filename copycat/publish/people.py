"""What people said of the pictures, on its way into a dataset: labels, and calibrations measured on them.

Names of raters are personal data. Unless the publisher opts in, each goes by a pseudonym in everything that
is published: in labels, in calibrations, and in what a run's manifest cites of one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from copycat.annotate.answers import Answers, RaterAnswer
from copycat.annotate.export import LABELS, labelled
from copycat.annotate.tasks import recorded
from copycat.calibration.labels import Label, deduplicate, digest_labels
from copycat.cards.calibration import LABEL, Calibration, Judged, document, read_calibration
from copycat.errors import BadFile
from copycat.io.secrets import clean
from copycat.runs.citing import FILE, calibrate_command, last_part, noted, portable, reworded, unnamed
from copycat.runs.data import RunData
from copycat.runs.folder import RunFolder
from copycat.runs.manifest import Cited


class PublishedLabel(Label):
    """A label as it is published: a row that `copycat calibrate --labels` reads, with what it takes to make
    the answer of it again."""

    pixels: str
    """Identity of what was shown: the picture's SHA-256, or the digest of a video's judged frames."""
    at: str
    """When it was answered, UTC, ISO 8601."""

    @property
    def answer(self) -> RaterAnswer:
        """What the rater answered, as the run's `labels.jsonl` has it."""
        said = next(answer for answer, label in LABELS.items() if label is self.label)
        told = {"image": self.image, "pixels": self.pixels, "character": self.character}
        more = {"saw": self.saw, "confidence": self.confidence, "at": self.at}
        return RaterAnswer(**told, rater=self.rater, answer=said, **more)


@dataclass(frozen=True)
class People:
    """What people said of the pictures of runs, by the run's name; runs without are left out."""

    labels: Mapping[str, tuple[PublishedLabel, ...]] = field(default_factory=dict)
    calibrations: Mapping[str, Calibration] = field(default_factory=dict)
    named: bool = False
    """Whether raters go by their names, and not by pseudonyms."""
    left_out: int = 0
    """Answers about pictures that the runs do not hold, such as ones that were drawn anew since."""

    @property
    def raters(self) -> tuple[str, ...]:
        """Everybody who labelled anything, as they are called in the dataset."""
        told = [x.rater for rows in self.labels.values() for x in rows]
        return tuple(dict.fromkeys((*told, *_raters(self.calibrations.values()))))


def gather(
    folders: Sequence[RunFolder], runs: Sequence[RunData], *, named: bool
) -> tuple[list[RunData], People]:
    """The `runs` as they may be published, and the labels and calibrations in their `folders`.

    Raters keep their names only where `named`. Of labels the last answer of each rater counts; what was
    skipped or taken back stays. Raises BadFile for a file that is no calibration.
    """
    labels: dict[str, tuple[PublishedLabel, ...]] = {}
    calibrations: dict[str, Calibration] = {}
    left_out = 0
    for folder, run in zip(folders, runs, strict=True):
        rows, others = _labels(folder, run)
        left_out += others
        if rows:
            labels[run.path.name] = rows
        if folder.calibration_path.is_file():
            calibrations[run.path.name] = _portable(read_calibration(folder.calibration_path))
    names = None if named else _pseudonyms(labels.values(), calibrations.values())
    renamed = {name: _renamed(rows, names) for name, rows in labels.items()}
    hidden = {}
    for name, c in calibrations.items():
        # Of labels that are not published no digest is either: who knows the answers could try names on it.
        same = _renamed(measured_on(c, name, labels), names)
        known = c.model_copy(update={"labels_sha256": digest(same) if same else ""})
        hidden[name] = _without_names(known, names) if names is not None else known
    told = [
        _uncited(run, names, _digest_of_cited(run, folder, hidden.get(run.path.name), named=named))
        for folder, run in zip(folders, runs, strict=True)
    ]
    return told, People(renamed, hidden, named, left_out)


def measured_on(
    c: Calibration, name: str, labels: Mapping[str, Sequence[PublishedLabel]]
) -> tuple[PublishedLabel, ...]:
    """Of `labels`, by run, those that the calibration of the run `name` says it was measured on: that run's
    or, of a calibration of several runs, those of all; none where it was measured on others."""
    for runs in ((name,), c.runs):
        try:
            found = together(runs, labels)
        except BadFile:
            continue  # no table of labels says both yes and no
        if found and digest(found) == c.labels_sha256:
            return found
    return ()


def together(
    runs: Iterable[str], labels: Mapping[str, Sequence[PublishedLabel]]
) -> tuple[PublishedLabel, ...]:
    """The labels of all `runs`; raises BadFile where a rater says yes and no of the same picture."""
    names = tuple(dict.fromkeys(runs))
    rows = deduplicate((x for run in names for x in labels.get(run, ())), ", ".join(names))
    return tuple(x for x in rows if isinstance(x, PublishedLabel))


def digest(rows: Iterable[PublishedLabel]) -> str:
    """SHA-256 of the labels in published rows, the one that a calibration of them names."""
    fields = set(Label.model_fields)
    return digest_labels(Label.model_validate(x.model_dump(include=fields)) for x in rows)


def _digest_of_cited(run: RunData, folder: RunFolder, published: Calibration | None, *, named: bool) -> str:
    """SHA-256 of the calibration that `run` cites, as it is published where it is the run's own; of another
    one only where raters may be named, since names could be tried against it."""
    cited = run.manifest.calibration
    if cited is None:
        return ""
    if published and hashlib.sha256(folder.calibration_path.read_bytes()).hexdigest() == cited.sha256:
        return hashlib.sha256(document(published)).hexdigest()
    return cited.sha256 if named else ""


def _uncited(run: RunData, names: Mapping[str, str] | None, sha256: str) -> RunData:
    """`run` without paths in what it tells of the calibration that it cites, and unless `names` is None
    without names; its manifest tells of that, and the notes of numbers that were corrected with it.

    `sha256` is what stands for the digest of that calibration's file.
    """
    cited = run.manifest.calibration
    if cited is None:
        return run
    # The file may be called by a rater's name too.
    file = last_part(cited.file) if names is None else FILE
    told = Cited(file=file, sha256=sha256, judge=cited.judge, rates=portable(cited.rates, names))
    changes = {**reworded(cited.rates, told.rates), cited.file: told.file}
    return replace(
        run,
        manifest=run.manifest.model_copy(update={"calibration": told}),
        metrics=[noted(m, changes) for m in run.metrics],
    )


def _labels(folder: RunFolder, run: RunData) -> tuple[tuple[PublishedLabel, ...], int]:
    """The labels of the run's pictures, and how many answers are of others, which it does not hold now."""
    if not folder.labels_path.is_file():
        return (), 0
    tasks = recorded(run)
    pixels = {task.pixels for task in tasks}
    given = [a for a in Answers(folder.labels_path).standing() if a.answer in LABELS]
    rows = (
        clean(PublishedLabel(**label.model_dump(), pixels=answer.pixels, at=answer.at))
        for answer, label in labelled((a for a in given if a.pixels in pixels), tasks)
    )
    return tuple(rows), sum(a.pixels not in pixels for a in given)


def _raters(calibrations: Iterable[Calibration]) -> list[str]:
    """All whom calibrations name; everyone is also among the first, unless somebody wrote in the file."""
    return [
        name
        for c in calibrations
        for name in (
            *(r.name for r in c.raters.raters),
            *c.truth,
            *(name for pair in c.raters.pairs for name in pair.raters),
            *(j.judge for j in c.judges if j.question == LABEL),
        )
    ]


def _pseudonyms(
    labels: Iterable[Sequence[PublishedLabel]], calibrations: Iterable[Calibration]
) -> Mapping[str, str]:
    """`rater-1`, `rater-2`, … in the order of their first labels, which no name follows from; the same rater
    has one in all runs."""
    everyone = dict.fromkeys((*(x.rater for rows in labels for x in rows), *_raters(calibrations)))
    return {name: f"rater-{n}" for n, name in enumerate(everyone, 1)}


def _renamed(rows: Sequence[PublishedLabel], names: Mapping[str, str] | None) -> tuple[PublishedLabel, ...]:
    return tuple(x.model_copy(update={"rater": names[x.rater]}) if names is not None else x for x in rows)


def _portable(c: Calibration) -> Calibration:
    """`c` without paths of this machine."""
    labels = last_part(c.labels)
    truth = c.truth if " --truth '" in c.command else None
    command = calibrate_command(c.command, c.runs, labels, truth)
    return c.model_copy(update={"labels": labels, "command": command})


def _without_names(c: Calibration, names: Mapping[str, str]) -> Calibration:
    """`c` with pseudonyms."""

    def judged(j: Judged) -> Judged:
        return j.model_copy(update={"judge": names[j.judge]}) if j.question == LABEL else j

    raters = c.raters.model_copy(
        update={
            "raters": tuple(r.model_copy(update={"name": names[r.name]}) for r in c.raters.raters),
            "pairs": tuple(
                p.model_copy(update={"raters": (names[p.raters[0]], names[p.raters[1]])})
                for p in c.raters.pairs
            ),
        }
    )
    truth = tuple(names[t] for t in c.truth)
    labels = unnamed(c.labels, names)
    return c.model_copy(
        update={
            "raters": raters,
            "truth": truth,
            "judges": tuple(map(judged, c.judges)),
            "labels": labels,
            "command": calibrate_command(
                c.command, c.runs, labels, truth if " --truth '" in c.command else None
            ),
        }
    )
