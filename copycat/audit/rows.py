"""Tables of a data set, read in samples: every n-th row, so that a large file costs little more than a small
one."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from copycat.errors import BadFile, first_line
from copycat.io.documents import parse_json

Cells = dict[str, Any]
SAMPLE = 10_000
"""Rows of a table that are read where nothing else is asked for."""


@dataclass(frozen=True)
class Table:
    """Some or all rows of a table."""

    file: str
    columns: tuple[str, ...]
    rows: tuple[tuple[int, Cells], ...]
    """Each with its number, from 1; a dict in a cell is spread over `cell.key`."""
    total: int
    broken: tuple[tuple[int, str], ...] = ()
    """Rows that could not be read, and why."""

    @property
    def whole(self) -> bool:
        """Whether all rows were read."""
        return self.total == len(self.rows) + len(self.broken)


def read_table(path: Path, file: str, most: int) -> Table:
    """At most `most` rows of the table at `path`, evenly from all of it; all for 0.

    Raises BadFile for a file that cannot be read at all; single rows that cannot are named in the table.
    """
    reader = _READERS[path.suffix.lower()]
    try:
        return reader(path, file, most)
    except (OSError, ValueError, NotImplementedError, csv.Error) as e:
        raise BadFile(f"{file} cannot be read as a table ({first_line(e)}).") from e


def spread(cells: Mapping[Any, Any]) -> Cells:
    """`cells` with what their dicts hold as cells of their own; the dicts stay too."""
    found: Cells = {}
    for name, value in cells.items():
        found[str(name)] = value
        if isinstance(value, dict):
            found |= {f"{name}.{k}": v for k, v in value.items()}
    return found


def _step(total: int, most: int) -> int:
    return max(1, math.ceil(total / most)) if most else 1


def _made(file: str, rows: list[tuple[int, Cells]], total: int, broken: list[tuple[int, str]]) -> Table:
    columns = tuple(dict.fromkeys(c for _, cells in rows for c in cells))
    return Table(file, columns, tuple(rows), total, tuple(broken))


def _jsonl(path: Path, file: str, most: int) -> Table:
    with path.open("rb") as f:
        total = sum(1 for line in f if line.strip())
    step, number = _step(total, most), 0
    rows, broken = list[tuple[int, Cells]](), list[tuple[int, str]]()
    with path.open("rb") as f:
        for line in f:
            if not line.strip():
                continue
            number += 1
            if (number - 1) % step:
                continue
            try:
                cells = parse_json(line.decode("utf-8-sig" if number == 1 else "utf-8"))
                if not isinstance(cells, dict):
                    raise ValueError("it is no object")
                rows.append((number, spread(cells)))
            except ValueError as e:
                broken.append((number, first_line(e)))
    return _made(file, rows, total, broken)


def _json(path: Path, file: str, most: int) -> Table:
    held = parse_json(path.read_bytes())
    if not isinstance(held, list) or not all(isinstance(r, dict) for r in held):
        raise ValueError("it is no list of objects")
    step = _step(len(held), most)
    rows = [(i + 1, spread(held[i])) for i in range(0, len(held), step)]
    return _made(file, rows, len(held), [])


def _separated(path: Path, file: str, most: int, delimiter: str) -> Table:
    # The limit of a field is csv's own, and one that is longer is named.
    with path.open(encoding="utf-8-sig", newline="") as f:
        total = max(0, sum(1 for row in csv.reader(f, delimiter=delimiter) if row) - 1)
    step = _step(total, most)
    rows, broken = list[tuple[int, Cells]](), list[tuple[int, str]]()
    with path.open(encoding="utf-8-sig", newline="") as f:
        lines = (row for row in csv.reader(f, delimiter=delimiter) if row)
        names = next(lines, [])
        for number, cells in enumerate(lines, 1):
            if (number - 1) % step:
                continue
            if len(cells) != len(names):
                broken.append((number, f"{len(cells)} cells under {len(names)} headings"))
            else:
                rows.append((number, dict(zip(names, cells, strict=True))))
    return _made(file, rows, total, broken)


def _parquet(path: Path, file: str, most: int) -> Table:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as held:
        total = held.metadata.num_rows
        step, number = _step(total, most), 0
        rows: list[tuple[int, Cells]] = []
        for batch in held.iter_batches(batch_size=1024):
            chosen = [i for i in range(batch.num_rows) if (number + i) % step == 0]
            rows += [(number + i + 1, spread(r)) for i, r in _picked(batch, chosen)]
            number += batch.num_rows
        names = held.schema_arrow.names
    found = _made(file, rows, total, [])
    return found if rows else Table(file, tuple(names), (), total)


def _picked(batch: Any, chosen: list[int]) -> Iterator[tuple[int, Cells]]:
    yield from zip(chosen, batch.take(chosen).to_pylist(), strict=True)


_READERS: Mapping[str, Callable[[Path, str, int], Table]] = {
    ".csv": partial(_separated, delimiter=","),
    ".tsv": partial(_separated, delimiter="\t"),
    ".jsonl": _jsonl,
    ".ndjson": _jsonl,
    ".json": _json,
    ".parquet": _parquet,
}
ENDINGS = tuple(e for e in _READERS if e != ".json")
"""Of files that are tables; JSON is one only where it lies under `data/`."""
