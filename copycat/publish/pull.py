"""Makes run folders of a dataset again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from copycat.annotate.answers import RaterAnswer
from copycat.calibration.calibrate import Calibrated
from copycat.calibration.calibrate import write as write_calibration
from copycat.errors import BadFile, RunConflict
from copycat.io.atomic import write_bytes
from copycat.io.journal import Journal
from copycat.publish.checking import (
    calibration_difference,
    check_labels,
    check_there,
    difference,
    recalibrated,
)
from copycat.publish.read import Dataset
from copycat.runs.clone import staged
from copycat.runs.data import RunData
from copycat.runs.folder import RunFolder
from copycat.runs.manifest import Origin
from copycat.runtime.progress import Progress
from copycat.stages.score import score


@dataclass(frozen=True)
class Pulled:
    """One run that lies there now."""

    path: Path
    fresh: bool
    """Whether it was written now; False when the same one was there."""
    withheld: bool
    same: bool
    """Whether its numbers are those that were published; False only where they were computed anew."""


def pull(
    folder: Path,
    source: str,
    revision: str | None,
    place: Callable[[str, int], Path],
    report: Callable[[RunFolder], object],
    *,
    recompute: bool = False,
    progress: Progress | None = None,
) -> list[Pulled]:
    """Write every run of the dataset in `folder`, which is `source` at `revision`.

    `place` says where a run goes, given its name and how many there are; `report` writes the tables and the
    page of a new one. Everything is checked and written beside its place first, and then all runs come to lie
    there, or none. With `recompute` numbers that do not follow from their rows are computed anew.
    Raises BadFile for a dataset that is not whole, not true to its hashes or has numbers that do not follow
    from its rows, and RunConflict for a folder that holds something else.
    """
    dataset = Dataset(folder)
    places = {run: place(run, len(dataset.runs)).resolve() for run in dataset.runs}
    if len(set(places.values())) < len(places):
        raise RunConflict(f"{folder} has {len(places)} runs, which would go into one folder.")
    origins = {
        run: Origin(
            how="pulled",
            source=source,
            revision=revision or dataset.revision,
            withheld=dataset.withheld,
            before=dataset.manifest(run).origin,
        )
        for run in dataset.runs
    }
    there = {run: _is_pulled(path, origins[run]) for run, path in places.items()}
    same = dict.fromkeys(dataset.runs, True)
    with ExitStack() as stack:
        for run in (r for r in dataset.runs if not there[r]):
            new = stack.enter_context(staged(places[run]))
            same[run] = _fill(new, dataset, run, origins[run], recompute, progress or Progress())
    for path in places.values():
        # In its place, since the page says the folder's name; also where it was cut off before.
        if not RunFolder(path).page_is_current:
            report(RunFolder(path))
    return [Pulled(path, not there[run], dataset.withheld, same[run]) for run, path in places.items()]


def _is_pulled(path: Path, origin: Origin) -> bool:
    """Whether that very run lies at `path`; RunConflict when something else does."""
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        return False
    folder = RunFolder(path)
    if folder.manifest_path.is_file() and folder.manifest().origin == origin:
        return True
    raise RunConflict(f"{path} is there already and is another run; choose another folder with --to.")


def _fill(
    new: RunFolder, dataset: Dataset, run: str, origin: Origin, recompute: bool, progress: Progress
) -> bool:
    """Write one run into `new`; returns whether its numbers are the published ones."""
    requests = dataset.requests(run)
    manifest = dataset.manifest(run).model_copy(update={"origin": origin})
    dataset.check(run)
    new.request_journal.replace(requests)
    new.image_journal.replace(dataset.images(run))
    new.verdict_journal.replace(dataset.verdicts(run))
    if shifts := dataset.shifts(run):
        new.shift_journal.replace(shifts)
    new.write_registry(dataset.registry_of(run))
    new.write_metrics(dataset.metrics(run))
    new.write_manifest(manifest)
    _pictures(dataset, run, new.path, progress)
    data = new.data()
    new.write_agreement(data.agreement)
    same = _people(new, data, dataset, run, recompute=recompute)
    differs = difference(data)
    if differs and not recompute:
        raise BadFile(
            f"The numbers of {run} in {dataset.folder} do not follow from its rows: {differs}. Either "
            f"somebody changed them, or copycat {manifest.copycat}, which made them, counts otherwise than "
            "this one; with --recompute the rows are taken, and this copycat's numbers of them."
        )
    if differs:
        score(new)
    return same and not differs


def _people(new: RunFolder, data: RunData, dataset: Dataset, run: str, *, recompute: bool) -> bool:
    """Write the labels and the calibration of a run, checked against its pictures and verdicts; returns
    whether the calibration is the published one."""
    labels, found = dataset.labels(run), dataset.calibration(run)
    if labels:
        check_labels(labels, data, str(dataset.folder))
        answers: dict[tuple[str, tuple[str, str]], RaterAnswer] = {}
        for label in labels:
            # Pictures with the same pixels were one question, whose answer each of them has a label of.
            answers.setdefault((label.rater, label.answer.about), label.answer)
        Journal(new.labels_path, RaterAnswer).replace(answers.values())
    if found is None:
        return True
    # A calibration may be of several runs of the dataset.
    others = [r for r in dataset.runs if r != run and r in found.runs]
    runs = {run: data, **{r: dataset.data(r) for r in others}}
    given = {run: labels, **{r: dataset.labels(r) for r in others}}
    told = calibration_difference(run, found, runs, given)
    if told and not recompute:
        raise BadFile(
            f"The calibration of {run} in {dataset.folder} does not follow from its labels: {told}. Either "
            "somebody changed one or the other, or another version of copycat counts otherwise; with "
            "--recompute it is measured anew."
        )
    written = recalibrated(run, found, runs, given) if told else found
    write_calibration(Calibrated(written), new.calibration_path)
    return not told


def _pictures(dataset: Dataset, run: str, folder: Path, progress: Progress) -> None:
    if dataset.withheld:
        return
    rows = dataset.images(run)
    progress.start("unpack", sum(row.file is not None for row in rows))
    there = set()
    try:
        for path, content in dataset.blobs(run):
            write_bytes(folder / path, content)
            there.add(path)
            progress.advance(1)
    finally:
        progress.done()
    check_there(rows, there, str(dataset.folder))
