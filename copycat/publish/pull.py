"""Makes run folders of a dataset again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from copycat.errors import RunConflict
from copycat.io.atomic import write_bytes
from copycat.measures import CATALOG
from copycat.measures.summary import summarise
from copycat.publish.read import Dataset
from copycat.records import Metric
from copycat.runs.clone import staged
from copycat.runs.data import RunData
from copycat.runs.folder import RunFolder
from copycat.runs.manifest import Origin
from copycat.runtime.progress import Progress


@dataclass(frozen=True)
class Pulled:
    """One run that lies there now."""

    path: Path
    fresh: bool
    """Whether it was written now; False when the same one was there."""
    withheld: bool
    same: bool
    """Whether this copycat computes the published numbers from the published rows."""


def pull(
    folder: Path,
    source: str,
    revision: str | None,
    place: Callable[[str, int], Path],
    report: Callable[[RunFolder], object],
    *,
    progress: Progress | None = None,
) -> list[Pulled]:
    """Write every run of the dataset in `folder`, which is `source` at `revision`.

    `place` says where a run goes, given its name and how many there are; `report` writes the tables and the
    page of a new one. Everything is checked first.
    Raises BadFile for a dataset that is not whole or not true to its hashes, RunConflict for a folder that
    holds something else.
    """
    dataset = Dataset(folder)
    places = {run: place(run, len(dataset.runs)) for run in dataset.runs}
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
    return [
        Pulled(places[run], False, dataset.withheld, True)
        if there[run]
        else _write(dataset, run, places[run], origins[run], report, progress or Progress())
        for run in dataset.runs
    ]


def _is_pulled(path: Path, origin: Origin) -> bool:
    """Whether that very run lies at `path`; RunConflict when something else does."""
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        return False
    folder = RunFolder(path)
    if folder.manifest_path.is_file() and folder.manifest().origin == origin:
        return True
    raise RunConflict(f"{path} is there already and is another run; choose another folder with --to.")


def _write(
    dataset: Dataset,
    run: str,
    path: Path,
    origin: Origin,
    report: Callable[[RunFolder], object],
    progress: Progress,
) -> Pulled:
    path = path.resolve()
    requests = dataset.requests(run)
    manifest = dataset.manifest(run).model_copy(update={"origin": origin})
    with staged(path) as new:
        new.request_journal.replace(requests)
        new.image_journal.replace(dataset.images(run))
        new.verdict_journal.replace(dataset.verdicts(run))
        if shifts := dataset.shifts(run):
            new.shift_journal.replace(shifts)
        new.write_registry(dataset.registry(dataset.registry_name(requests, manifest.config.registry)))
        new.write_metrics(dataset.metrics(run))
        new.write_manifest(manifest)
        _pictures(dataset, run, new.path, progress)
        new.write_agreement(new.data().agreement)
    # In its place, since the page says the folder's name.
    folder = RunFolder(path)
    report(folder)
    return Pulled(path, True, dataset.withheld, _same(folder.data()))


def _same(run: RunData) -> bool:
    """Whether the numbers follow from the rows, those of measures that are installed here.

    Intervals of an earlier version, whose method was another, are not asked for.
    """
    known = [m for m in run.measures if m.name in CATALOG.names()]
    names = {m.name for m in known}
    # Not by their places: a measure may be of some conditions only, and be met there first.
    published = {_key(m): m for m in run.metrics if m.metric in names}
    computed = {_key(m): m for m in summarise(run.judged, None, known)}
    if published.keys() != computed.keys():
        return False
    pairs = ((m, computed[key]) for key, m in published.items())
    return all(_told(m, now.method) == _told(now, m.method) for m, now in pairs)


def _key(metric: Metric) -> tuple[str, str, str]:
    return metric.metric, metric.mitigation, metric.prompt_set


_INTERVALS = frozenset({"low", "high", "fixed_low", "fixed_high", "all_low", "all_high", "method"})


def _told(metric: Metric, other: str) -> dict[str, object]:
    """What `metric` says, without what follows from a calibration, which may be another here, and without
    intervals unless they are made by the `other` method."""
    left_out = {f for f in Metric.model_fields if f.startswith("corrected")}
    return metric.model_dump(exclude=left_out | (_INTERVALS if metric.method != other else set()))


def _pictures(dataset: Dataset, run: str, folder: Path, progress: Progress) -> None:
    if dataset.withheld:
        return
    progress.start("unpack", sum(row.file is not None for row in dataset.images(run)))
    try:
        for path, content in dataset.blobs(run):
            write_bytes(folder / path, content)
            progress.advance(1)
    finally:
        progress.done()
