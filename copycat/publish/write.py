"""Writes a dataset's folder: Parquet, the card, Croissant, and the list of what was published."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from copycat.io.atomic import beside, new_folder, write_text
from copycat.io.version import __version__
from copycat.publish.card import card
from copycat.publish.collect import Cells, Publication, joined, picture_cells
from copycat.publish.columns import to_cells
from copycat.publish.croissant import croissant
from copycat.publish.tables import (
    CALIBRATIONS,
    CHARACTERS,
    IMAGES,
    LABELS,
    METRICS,
    PROMPTS,
    SHIFTS,
    VERDICTS,
    File,
    Payload,
    Table,
)
from copycat.publish.target import CARD, CROISSANT, LIST, check_target, replace
from copycat.runtime.progress import Progress

FORMAT = 2
"""Raised when the folder changes so that an older copycat could not read it."""
SHARD = 400_000_000
"""Bytes of pictures after which a new file is begun."""
_AT_ONCE = 64
"""Rows of pictures in memory at a time."""


def write(publication: Publication, target: Path, *, progress: Progress | None = None) -> list[File]:
    """Write the whole folder `target`, or replace the dataset that is there; returns its data files.

    The same runs give the same bytes. Of an earlier dataset the files that its own list names are replaced,
    and all others stay. Raises RunConflict for a folder that holds something else.
    """
    check_target(target)
    target, progress = target.resolve(), progress or Progress()
    if not (target / LIST).is_file():
        with new_folder(target) as folder:
            return _fill(publication, folder, progress)
    with beside(target) as folder:
        files = _fill(publication, folder, progress)
        replace(folder, target)
    return files


def write_tables(publication: Publication, folder: Path, *, progress: Progress | None = None) -> list[File]:
    """Write the tables as Parquet files, and the Croissant file that describes them, into the empty `folder`;
    returns the data files."""
    (folder / "data").mkdir()
    told = progress or Progress()
    files = [f for t in publication.tables for f in _table(publication, t, folder, told)]
    write_text(folder / CROISSANT, _json(croissant(publication, files)))
    return files


def _fill(publication: Publication, folder: Path, progress: Progress) -> list[File]:
    files = write_tables(publication, folder, progress=progress)
    listed = {
        "format": FORMAT,
        "copycat": __version__,
        "pictures": "included" if publication.pictures else "withheld",
        "protected": publication.protected,
        "raters": "named" if publication.people.named else "pseudonyms",
        "licence": publication.licence,
        "runs": [
            {"name": r.path.name, "manifest": r.manifest.model_dump(mode="json")} for r in publication.runs
        ],
        "files": {f.path: {"sha256": f.sha256, "bytes": f.size, "rows": f.rows} for f in files},
    }
    write_text(folder / LIST, _json(listed))
    write_text(folder / CARD, card(publication, files))
    return files


def _json(content: Any) -> str:
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _table(publication: Publication, table: Table, folder: Path, progress: Progress) -> list[File]:
    if table is IMAGES:
        return _pictures(publication, folder, progress)
    path = f"data/{table.name}.parquet"
    found = table.arrow(_rows(publication, table))
    pq.write_table(found, folder / path, compression="zstd")
    return [_file(folder, path, table, found.num_rows)]


def _rows(publication: Publication, table: Table) -> Iterator[Cells]:
    if table is CHARACTERS:
        for registry in publication.registries.values():
            told = {
                "registry": registry.name,
                "registry_version": registry.version,
                "protected": registry.protected,
                "noun": registry.noun,
                "questions": json.dumps(registry.questions, ensure_ascii=False),
            }
            yield from (told | to_cells(c) for c in registry.characters)
        return
    for run in publication.runs:
        name, by_id = {"run": run.path.name}, {r.id: r for r in run.requests}
        if table is PROMPTS:
            yield from (name | to_cells(r) for r in run.requests)
        elif table is METRICS:
            yield from (name | to_cells(m) for m in run.metrics)
        elif table is VERDICTS:
            yield from (name | joined(by_id[v.request]) | to_cells(v) for v in run.verdict_rows)
        elif table is SHIFTS:
            yield from (name | joined(by_id[s.request]) | to_cells(s) for s in run.shift_rows)
        elif table is LABELS:
            yield from (name | to_cells(x) for x in publication.people.labels.get(run.path.name, ()))
        elif table is CALIBRATIONS and (found := publication.people.calibrations.get(run.path.name)):
            yield name | to_cells(found)


def _pictures(publication: Publication, folder: Path, progress: Progress) -> list[File]:
    """The table of pictures, in as many files as it takes."""
    payloads = publication.payloads
    schema = _schema(payloads)
    progress.start("pack", sum(len(run.image_rows) for run in publication.runs))
    cells = (c for run in publication.runs for c in picture_cells(run, payloads, progress))
    written: list[tuple[str, int]] = []
    try:
        batches = _batches(cells)
        batch = next(batches, [])
        while True:
            path = f"data/images-{len(written):05d}.parquet"
            rows = held = 0
            with pq.ParquetWriter(folder / path, schema, compression="zstd") as writer:
                while batch and (not rows or held < SHARD):
                    writer.write_table(pa.Table.from_pylist(batch, schema=schema))
                    rows += len(batch)
                    held += sum(_weight(c, payloads) for c in batch)
                    batch = next(batches, [])
            written.append((path, rows))
            if not batch:
                break
    finally:
        progress.done()
    return [_file(folder, path, IMAGES, rows) for path, rows in written]


def _batches(cells: Iterator[Cells]) -> Iterator[list[Cells]]:
    while batch := list(islice(cells, _AT_ONCE)):
        yield batch


def _weight(cells: Cells, payloads: Iterable[Payload]) -> int:
    blobs = (cells[p.column] for p in payloads)
    return sum(len(b["bytes"] if isinstance(b, dict) else b) for b in blobs if b)


def _schema(payloads: Iterable[Payload]) -> pa.Schema:
    """That of the table of pictures, with what tells `datasets` which columns are pictures."""
    schema = IMAGES.schema
    picture = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    payloads = tuple(payloads)
    for p in payloads:
        kind = picture if p.picture else pa.large_binary()
        schema = schema.append(pa.field(p.column, kind, metadata={"description": p.about}))
    if not payloads:
        return schema
    shown = {p.column for p in payloads if p.picture}
    features = {
        f.name: {"_type": "Image"} if f.name in shown else {"_type": "Value", "dtype": _dtype(f.type)}
        for f in schema
    }
    return schema.with_metadata({"huggingface": json.dumps({"info": {"features": features}})})


def _dtype(kind: pa.DataType) -> str:
    """The name that `datasets` has for a scalar type."""
    return {"double": "float64"}.get(str(kind), str(kind))


def _file(folder: Path, path: str, table: Table, rows: int) -> File:
    with (folder / path).open("rb") as f:
        sha256 = hashlib.file_digest(f, "sha256").hexdigest()
    return File(path, table, rows, (folder / path).stat().st_size, sha256)
