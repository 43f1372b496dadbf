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

from copycat.audit.roles import texts
from copycat.errors import BadFile, first_line
from copycat.io.documents import parse_json

Cells = dict[str, Any]
SAMPLE = 10_000
"""Rows of a table that are read where nothing else is asked for."""
MOST_KEPT = 500_000_000
"""Bytes and letters of a table that are kept; of further rows pictures, sounds and long texts are not."""
MOST_LINE = 2**26
"""Bytes of a line of JSONL, and letters of a cell of CSV, that are read."""
_LONG = 10_000
"""Letters from which a text is long."""
_AT_ONCE = 64
"""Rows of Parquet in memory at a time: there may be pictures in them."""


@dataclass(frozen=True)
class Broken:
    """A row that cannot be read."""

    why: str


Numbered = tuple[int, Cells | Broken]


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
    cut: int = 0
    """Rows of which pictures and long texts were left out."""


def read_table(path: Path, file: str, most: int) -> Table:
    """At most `most` rows of the table at `path`, evenly from all of it; all for 0.

    Raises BadFile for a file that cannot be read at all; single rows that cannot are named in the table.
    """
    count, _ = _READERS[path.suffix.lower()]
    try:
        total = count(path)
        rows, broken, kept, cut = list[tuple[int, Cells]](), list[tuple[int, str]](), 0, 0
        for number, cells in _rows(path, max(1, math.ceil(total / most)) if most else 1):
            if isinstance(cells, Broken):
                broken.append((number, cells.why))
                continue
            kept += sum(len(v) for v in cells.values() if isinstance(v, bytes))
            kept += sum(len(text) for _, text in texts(cells))
            whole = cells if kept <= MOST_KEPT else _without_long(cells)
            cut += len(whole) < len(cells)
            rows.append((number, whole))
    except _UNREADABLE as e:
        raise BadFile(f"{file} cannot be read as a table ({first_line(e)}).") from e
    columns = dict.fromkeys(c for _, cells in rows for c in cells)
    return Table(file, tuple(columns), tuple(rows), total, tuple(broken), cut)


def stream_table(path: Path, file: str) -> Iterator[tuple[int, Cells]]:
    """Every row of the table at `path` that can be read, with its number, one at a time; BadFile as
    :func:`read_table`."""
    try:
        for number, cells in _rows(path, 1):
            if not isinstance(cells, Broken):
                yield number, cells
    except _UNREADABLE as e:
        raise BadFile(f"{file} cannot be read as a table ({first_line(e)}).") from e


# A date that Python cannot hold raises an OverflowError.
_UNREADABLE = (OSError, ValueError, NotImplementedError, OverflowError, csv.Error)


def _rows(path: Path, step: int) -> Iterator[Numbered]:
    _, rows = _READERS[path.suffix.lower()]
    return rows(path, step)


def spread(cells: Mapping[Any, Any]) -> Cells:
    """`cells` with what their dicts hold as cells of their own; the dicts stay too."""
    found: Cells = {}
    for name, value in cells.items():
        found[str(name)] = value
        if isinstance(value, dict):
            found |= {f"{name}.{k}": v for k, v in value.items()}
    return found


def _without_long(cells: Cells) -> Cells:
    return {
        k: v
        for k, v in cells.items()
        if not isinstance(v, bytes | dict | list) and not (isinstance(v, str) and len(v) > _LONG)
    }


def _raw_lines(path: Path) -> Iterator[bytes | None]:
    """Lines that are not empty; None for one that is too long to be read."""
    with path.open("rb") as f:
        while line := f.readline(MOST_LINE):
            if len(line) == MOST_LINE and not line.endswith(b"\n"):
                while (rest := f.readline(MOST_LINE)) and not rest.endswith(b"\n"):
                    pass
                yield None
            elif line.strip():
                yield line


def _count_lines(path: Path) -> int:
    return sum(1 for _ in _raw_lines(path))


def _jsonl(path: Path, step: int) -> Iterator[Numbered]:
    for i, line in enumerate(_raw_lines(path)):
        if i % step:
            continue
        if line is None:
            yield i + 1, Broken(f"it is longer than {MOST_LINE // 2**20} MiB")
        else:
            try:
                cells = parse_json(line.decode("utf-8" if i else "utf-8-sig"))
                yield i + 1, spread(cells) if isinstance(cells, dict) else Broken("it is no object")
            except ValueError as e:
                yield i + 1, Broken(first_line(e))


def _listed(path: Path) -> list[Cells]:
    held = parse_json(path.read_bytes())
    if not isinstance(held, list) or not all(isinstance(r, dict) for r in held):
        raise ValueError("it is no list of objects")
    return held


def _json(path: Path, step: int) -> Iterator[Numbered]:
    for i, cells in enumerate(_listed(path)[::step]):
        yield i * step + 1, spread(cells)


def _lines(path: Path, delimiter: str) -> Iterator[list[str]]:
    # The limit is the process's own, and far below the length of a book.
    before = csv.field_size_limit(MOST_LINE)
    try:
        with path.open(encoding="utf-8-sig", newline="") as f:
            yield from (row for row in csv.reader(f, delimiter=delimiter) if row)
    finally:
        csv.field_size_limit(before)


def _separated(path: Path, step: int, delimiter: str) -> Iterator[Numbered]:
    lines = _lines(path, delimiter)
    names = next(lines, [])
    for i, cells in enumerate(lines):
        if i % step:
            continue
        if len(cells) == len(names):
            yield i + 1, dict(zip(names, cells, strict=True))
        else:
            yield i + 1, Broken(f"{len(cells)} cells under {len(names)} headings")


def _count_separated(path: Path, delimiter: str) -> int:
    return max(0, sum(1 for _ in _lines(path, delimiter)) - 1)


def _count_parquet(path: Path) -> int:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as held:
        return int(held.metadata.num_rows)


def _parquet(path: Path, step: int) -> Iterator[Numbered]:
    import pyarrow.parquet as pq

    number = 0
    with pq.ParquetFile(path) as held:
        for batch in held.iter_batches(batch_size=_AT_ONCE if step == 1 else 1024):
            chosen = [i for i in range(batch.num_rows) if (number + i) % step == 0]
            for i, cells in zip(chosen, batch.take(chosen).to_pylist() if chosen else [], strict=True):
                yield number + i + 1, spread(cells)
            number += batch.num_rows


_Count = Callable[[Path], int]
_Read = Callable[[Path, int], Iterator[Numbered]]
_READERS: Mapping[str, tuple[_Count, _Read]] = {
    ".csv": (partial(_count_separated, delimiter=","), partial(_separated, delimiter=",")),
    ".tsv": (partial(_count_separated, delimiter="\t"), partial(_separated, delimiter="\t")),
    ".jsonl": (_count_lines, _jsonl),
    ".ndjson": (_count_lines, _jsonl),
    ".json": (lambda path: len(_listed(path)), _json),
    ".parquet": (_count_parquet, _parquet),
}
ENDINGS = tuple(e for e in _READERS if e != ".json")
"""Of files that are tables; JSON is one only where it lies under `data/`."""
