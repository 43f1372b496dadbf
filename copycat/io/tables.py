"""Tables in files of several kinds, as rows: a dict by column each."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from copycat.errors import BadFile, first_line
from copycat.io.documents import parse_json

Cells = dict[str, Any]


def read_table(path: Path, what: str) -> list[Cells]:
    """The rows of a CSV, TSV, JSONL or Parquet file, in order; a cell of CSV and TSV is text as it stands.

    Raises BadFile, which says `what` was wanted ("table of labels"), for another kind of file and for one
    that does not read as its kind: rows of CSV that are longer or shorter than the header among them, and
    lines of JSONL that are no object.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise BadFile(f"{path} is no {what}; such tables are read from {', '.join(ENDINGS)} files.")
    try:
        return reader(path)
    except (OSError, ValueError, NotImplementedError, csv.Error) as e:
        raise BadFile(f"{path} cannot be read as a {what} ({first_line(e)}).") from e


def lacking(rows: Sequence[Cells], columns: Sequence[str]) -> list[str]:
    """Those of `columns` that no row has."""
    there = {c for row in rows for c in row}
    return [c for c in columns if c not in there]


def filled(row: Cells) -> Cells:
    """`row` without the cells that hold nothing: empty text, null and NaN."""
    return {k: v for k, v in row.items() if v not in (None, "") and v == v}


def _separated(path: Path, delimiter: str) -> list[Cells]:
    # Excel begins UTF-8 with a BOM.
    with path.open(encoding="utf-8-sig", newline="") as f:
        reader = csv.DictReader(f, delimiter=delimiter, strict=True)
        names = [n for n in reader.fieldnames or () if n]
        twice = next((n for n in names if names.count(n) > 1), None)
        if twice:
            raise ValueError(f"two columns are called {twice}")
        rows = []
        for row in reader:
            if None in row or None in row.values():
                raise ValueError(f"line {reader.line_num} has more or fewer cells than the header")
            rows.append(row)
    return rows


def _jsonl(path: Path) -> list[Cells]:
    with path.open(encoding="utf-8-sig", newline="\n") as f:
        return [_object(line, number) for number, line in enumerate(f, 1) if line.strip()]


def _object(line: str, number: int) -> Cells:
    try:
        row = parse_json(line)
    except ValueError:
        row = None
    if not isinstance(row, dict):
        raise ValueError(f"line {number} is no JSON object")
    return row


def _parquet(path: Path) -> list[Cells]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as f:
        rows: list[Cells] = f.read().to_pylist()
    return rows


_READERS: Mapping[str, Callable[[Path], list[Cells]]] = {
    ".csv": partial(_separated, delimiter=","),
    ".tsv": partial(_separated, delimiter="\t"),
    ".jsonl": _jsonl,
    ".parquet": _parquet,
}
ENDINGS = tuple(_READERS)
