"""Makes run folders of a dataset again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from copycat.atomic import disk_guard, write_bytes, write_text
from copycat.characters import Registry
from copycat.errors import RunConflict
from copycat.metrics.summary import summarise
from copycat.progress import Progress, Silent
from copycat.publish.read import Dataset
from copycat.records import Metric
from copycat.report import table_markdown
from copycat.report.review import costs
from copycat.report.view import agreement
from copycat.runs.folder import RunFolder
from copycat.runs.manifest import Origin
from copycat.stages.report import report


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
    *,
    progress: Progress | None = None,
) -> list[Pulled]:
    """Write every run of the dataset in `folder`, which is `source` at `revision`.

    `place` says where a run goes, given its name and how many there are. Everything is checked first.
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
    there = {run: _there(path, origins[run]) for run, path in places.items()}
    return [
        Pulled(places[run], False, dataset.withheld, True)
        if there[run]
        else _write(dataset, run, places[run], origins[run], progress or Silent())
        for run in dataset.runs
    ]


def _there(path: Path, origin: Origin) -> bool:
    """Whether that very run lies at `path`; RunConflict when something else does."""
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        return False
    folder = RunFolder(path)
    if folder.manifest_path.is_file() and folder.manifest().origin == origin:
        return True
    raise RunConflict(f"{path} is there already and is another run; choose another folder with --to.")


def _write(dataset: Dataset, run: str, path: Path, origin: Origin, progress: Progress) -> Pulled:
    path = path.resolve()
    requests, metrics = dataset.requests(run), dataset.metrics(run)
    manifest = dataset.manifest(run).model_copy(update={"origin": origin})
    registry = dataset.registry(dataset.registry_name(requests, manifest.config.registry))
    images, verdicts = dataset.images(run), dataset.verdicts(run)
    new = path.with_name(f".{path.name}.new")
    with disk_guard(path):
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True)
    try:
        _lines(new / "requests.jsonl", requests)
        _lines(new / "images.jsonl", images)
        _lines(new / "verdicts.jsonl", verdicts)
        write_text(new / "registry.yaml", registry_yaml(registry))
        _pictures(dataset, run, new, progress)
        folder = RunFolder(new)
        folder.write_manifest(manifest)
        folder.write_metrics(metrics)
        people = {c.slug: c for c in registry.characters}
        mine = [v for v in verdicts if v.judge == manifest.judge]
        same = summarise(requests, folder.frames(), mine, people) == [_raw(m) for m in metrics]
        agree = agreement(folder)
        rows = [a.model_dump(mode="json") for a in agree]
        write_text(new / "agreement.json", json.dumps(rows, indent=1, ensure_ascii=False) + "\n")
        write_text(new / "table.md", table_markdown(metrics, manifest, agree, costs(folder)))
        with disk_guard(path):
            if path.exists():
                path.rmdir()
            new.rename(path)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    # In its place, since the page says the folder's name.
    report(RunFolder(path))
    return Pulled(path, True, dataset.withheld, same)


def _raw(metric: Metric) -> Metric:
    """`metric` without what follows from a calibration, which may be another here."""
    plain = {f: Metric.model_fields[f].default for f in Metric.model_fields if f.startswith("corrected")}
    return metric.model_copy(update=plain)


def _lines(path: Path, rows: Any) -> None:
    write_text(path, "".join(f"{r.model_dump_json()}\n" for r in rows))


def _pictures(dataset: Dataset, run: str, folder: Path, progress: Progress) -> None:
    if dataset.withheld:
        return
    progress.start("unpack", sum(row.file is not None for row in dataset.images(run)))
    try:
        for blob in dataset.blobs(run):
            write_bytes(folder / blob.path, blob.content)
            progress.advance(1)
    finally:
        progress.done()


def registry_yaml(registry: Registry) -> str:
    """`registry` as a file that `load_registry` reads."""
    body = {
        "registry": registry.name,
        "version": registry.version,
        "protected": registry.protected,
        "characters": [c.model_dump(mode="json", exclude_defaults=True) for c in registry.characters],
    }
    return str(yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=110))
