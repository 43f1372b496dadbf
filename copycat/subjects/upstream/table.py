"""One CSV of the checkout: decoding, columns, cells; says what it mended."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from dataclasses import dataclass
from pathlib import Path

from copycat.errors import BadFile

TARGET = "target"
INDEX = frozenset({"", "unnamed: 0"})
"""Headers of the row numbers that pandas writes."""
_BROKEN = re.compile("[ÃÂ][\x80-¿ -~]|â€|ï»¿")
"""UTF-8 that was read as Latin-1 or Windows-1252."""
_INNER = re.compile(r"""\s["'“”‘’]|["'“”‘’]\s""")
"""A quote that opens or closes; an apostrophe inside a word does neither."""
_PAIRS = {'"': '"', "'": "'", "“": "”", "‘": "’"}


@dataclass(frozen=True)
class Record:
    """One row: the character as it is called there, and the cell that counts."""

    number: int
    """From 1, without the header."""
    target: str
    text: str
    original: str | None = None
    """The text that was rewritten, where the file says so."""


@dataclass(frozen=True)
class Table:
    """One file's rows, and what is odd about all of it."""

    records: tuple[Record, ...]
    sha256: str
    mended: tuple[str, ...]
    skipped: tuple[str, ...]


def read_table(path: Path, column: str, original: str | None = None) -> Table:
    """The rows of `path`, whose text stands in `column`. Raises BadFile for other columns."""
    try:
        content = path.read_bytes()
    except OSError as e:
        raise BadFile(f"{path} cannot be read ({e.strerror}).") from e
    mended, skipped = [], []
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
        mended.append("not UTF-8, read as Windows-1252")
    try:
        rows = list(csv.reader(io.StringIO(text, newline="")))
    except csv.Error as e:
        raise BadFile(f"{path} is not a CSV file ({e}).") from e
    header = [h.strip() for h in rows[0]] if rows else []
    wanted = [TARGET, column, *([original] if original else [])]
    places = {h: i for i, h in enumerate(header) if h.casefold() not in INDEX}
    if set(places) != set(wanted) or len(places) < len([h for h in header if h.casefold() not in INDEX]):
        raise BadFile(
            f"{path} has the columns {', '.join(repr(h) for h in header) or 'none'}, not {', '.join(wanted)}."
        )
    if len(header) > len(places):
        mended.append("a column of row numbers dropped")
    records = []
    for number, row in enumerate(rows[1:], 1):
        if not any(cell.strip() for cell in row):
            continue
        if len(row) != len(header):
            skipped.append(f"row {number} has {len(row)} cells, not {len(header)}")
            continue
        records.append(
            Record(
                number,
                row[places[TARGET]],
                row[places[column]],
                row[places[original]] if original else None,
            )
        )
    return Table(tuple(records), hashlib.sha256(content).hexdigest(), tuple(mended), tuple(skipped))


def mend(text: str) -> tuple[str, list[str]]:
    """`text` in one line, in the right encoding and without quotes around it; and what was done."""
    done = []
    if _BROKEN.search(text):
        for wrong in ("cp1252", "latin-1"):
            try:
                text = text.encode(wrong).decode("utf-8")
            except UnicodeError:
                continue
            done.append("wrong encoding")
            break
    if "\n" in text or "\r" in text:
        done.append("line breaks")
    text = " ".join(text.split())
    bare = unquoted(text)
    if bare != text:
        done.append("quotes around the text")
    return bare, done


def unquoted(text: str) -> str:
    """`text` without quotes that enclose all of it; `"A" and "B"` is not enclosed."""
    while len(text) > 1 and _PAIRS.get(text[0]) == text[-1] and not _INNER.search(text[1:-1]):
        text = text[1:-1].strip()
    return text


def terms(text: str) -> tuple[list[str], list[str]]:
    """The words of a keyword cell, mended one by one; and what was done."""
    text, done = mend(text)
    found = []
    for raw in text.split(","):
        term = raw.strip()
        bare = unquoted(term).removesuffix(".")
        if bare != term:
            done.append("quotes or full stops at words")
        if bare:
            found.append(bare)
    return found, list(dict.fromkeys(done))
