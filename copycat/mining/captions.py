"""Caption corpora: Parquet, JSONL, CSV, TSV and text files (also gzipped), folders of them, hub datasets."""

from __future__ import annotations

import csv
import gzip
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from copycat.errors import BadFile, MissingRequirement, UnknownName, first_line, require
from copycat.io.documents import parse_json

COLUMNS = ("caption", "TEXT", "text", "captions", "prompt")
"""Columns that hold captions, the first one found is read; `TEXT` is LAION's."""
_HUB = re.compile(r"[\w.-]+/[\w.-]+")


@dataclass
class Reading:
    """What was read of a corpus; filled while its captions are being read."""

    files: int = 0
    captions: int = 0
    skipped: list[str] = field(default_factory=list)
    """Files that could not be read to their end, with the reason."""


def read_captions(
    source: str, *, column: str | None = None, limit: int | None = None, reading: Reading | None = None
) -> Iterator[str]:
    """Captions of `source`: a file, a folder (all readable files in it) or a hub dataset `owner/name`.

    A corrupt file among several is skipped from where it breaks, and counted in `reading`. Raises BadFile
    when `source` is missing, when a file has no such column, or when not one caption could be read.
    """
    reading = reading if reading is not None else Reading()
    hub = not Path(source).exists() and _HUB.fullmatch(source)
    rows = _hub(source, column) if hub else _local(Path(source), column, reading)
    for text in rows:
        if limit is not None and reading.captions >= limit:
            return
        reading.captions += 1
        yield text
    if not reading.captions:
        why = f" ({'; '.join(reading.skipped)})" if reading.skipped else ""
        raise BadFile(f"{source} holds no captions{why}.")


def _local(path: Path, column: str | None, reading: Reading) -> Iterator[str]:
    if not path.exists():
        raise BadFile(f"The corpus {path} does not exist.")
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if _reader(p))
    if not files:
        raise BadFile(f"{path} holds no {', '.join(READERS)} file.")
    for file in files:
        read = _reader(file)
        if read is None:
            raise BadFile(f"{file} is none of {', '.join(READERS)}.")
        try:
            yield from read(file, column)
            reading.files += 1
        except (OSError, EOFError, ValueError, csv.Error) as e:
            # pyarrow's, json's and Unicode's errors are all ValueError; gzip's are OSError and EOFError.
            reading.skipped.append(f"{file.name}: {first_line(e)}")


def _reader(path: Path) -> Callable[[Path, str | None], Iterator[str]] | None:
    name = path.name.removesuffix(".gz")
    return READERS.get(Path(name).suffix)


def pick_column(columns: list[str], wanted: str | None, where: str) -> str:
    """The caption column: `wanted`, else the first known one."""
    if wanted:
        if wanted not in columns:
            raise UnknownName(f"column in {where}", wanted, columns)
        return wanted
    for c in COLUMNS:
        if c in columns:
            return c
    raise BadFile(
        f"{where} has no caption column among {', '.join(COLUMNS)}; "
        f"say which with --column (it has {', '.join(columns) or 'none'})."
    )


def _parquet(path: Path, column: str | None) -> Iterator[str]:
    import pyarrow.parquet as pq

    file = pq.ParquetFile(path)
    name = pick_column(file.schema_arrow.names, column, path.name)
    for batch in file.iter_batches(batch_size=65_536, columns=[name]):
        yield from (str(t) for t in batch.column(0).to_pylist() if t)


def _open(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")


def _jsonl(path: Path, column: str | None) -> Iterator[str]:
    name = column
    with _open(path) as f:
        for line in f:
            if not line.strip():
                continue
            row: Any = parse_json(line)
            if not isinstance(row, dict):
                raise ValueError("a line is no JSON object")
            name = name or pick_column(list(row), None, path.name)
            if row.get(name):
                yield str(row[name])


def _table(path: Path, column: str | None, delimiter: str) -> Iterator[str]:
    with _open(path) as f:
        rows = csv.DictReader(f, delimiter=delimiter)
        name = pick_column(list(rows.fieldnames or ()), column, path.name)
        yield from (row[name] for row in rows if row[name])


def _text(path: Path, column: str | None) -> Iterator[str]:  # noqa: ARG001  text has no columns
    with _open(path) as f:
        yield from (line.strip() for line in f if line.strip())


READERS: dict[str, Callable[[Path, str | None], Iterator[str]]] = {
    ".parquet": _parquet,
    ".jsonl": _jsonl,
    ".csv": lambda p, c: _table(p, c, ","),
    ".tsv": lambda p, c: _table(p, c, "\t"),
    ".txt": _text,
}


def _hub(source: str, column: str | None) -> Iterator[str]:
    datasets = require("datasets", "datasets>=4.0", f"{source} is no file here; reading it from the hub")
    try:
        rows = datasets.load_dataset(source, split="train", streaming=True)
        name = pick_column(list(rows.column_names or ()), column, source)
        yield from (str(row[name]) for row in rows if row[name])
    except (OSError, ValueError) as e:
        raise MissingRequirement(
            f"{source} is no file here and cannot be read from the hub ({first_line(e)})."
        ) from e
