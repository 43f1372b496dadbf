"""What can be looked through: rows of copycat's own data set, or of any folder, and pictures beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from copycat.audit.dataset import Dataset
from copycat.audit.results import Evidence
from copycat.audit.roles import Entry
from copycat.audit.rows import stream_table
from copycat.audit.sections.governance import REMOVAL
from copycat.audit.told import told
from copycat.errors import BadFile
from copycat.io.pictures import read_bytes
from copycat.release.declared import shipped_release
from copycat.release.parts import PARTS, rows

_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp"})
_TEXTS = frozenset({".txt", ".md", ".html", ".htm"})
OURS = "copycat's own data set"


@dataclass(frozen=True)
class Book:
    """One row, or one picture that lies in a folder."""

    table: str
    """The table or folder that it is in."""
    name: str
    """Its id, or its row or file."""
    cells: Mapping[str, Any]
    picture: bytes | None = None
    """The whole file."""


class Shelf:
    """A data set to look something up in."""

    def __init__(self, folder: Path | None) -> None:
        """`folder` is a data set's or a run's; None stands for copycat's own data set, as it comes with
        copycat. Raises BadFile for a path that is no folder."""
        self._dataset = Dataset(folder, folder.resolve().name) if folder else None
        self.name = str(folder) if folder else OURS
        self.broken: list[Evidence] = []
        """Files that could not be read, once all was looked through."""

    @property
    def removal(self) -> str:
        """How something is removed from it, in a sentence; empty where the data set does not say."""
        if self._dataset is None:
            return (
                "To have something removed, see docs/removal.md of copycat; a published copy says in its "
                "REMOVAL.md where to write."
            )
        found = told(self._dataset, REMOVAL)
        return f"To have something removed: {found.sentence} ({found.part.file})" if found.part else ""

    def books(self) -> Iterator[Book]:
        """Everything in it."""
        if self._dataset is None:
            yield from _ours()
            return
        for file in self._dataset.table_files:
            yield from self._table(self._dataset, file)
        yield from self._files(self._dataset)
        self.broken = list(self._dataset.unread)

    def _table(self, dataset: Dataset, file: str) -> Iterator[Book]:
        try:
            # Not all at once: there may be more pictures than memory holds.
            for row, cells in stream_table(dataset.path / file, file):
                label = Entry(file, row, cells).get("id")
                name = f"row {row}" + (f", {label}" if label is not None else "")
                yield Book(file, name, cells, _held(cells))
        except BadFile as e:
            dataset.note(file, str(e))

    def _files(self, dataset: Dataset) -> Iterator[Book]:
        for file in dataset.files:
            if Path(file).suffix.lower() in _TEXTS:
                yield Book(file.rpartition("/")[0] or self.name, file, {"text": dataset.text(file)})
            if Path(file).suffix.lower() in _SUFFIXES:
                try:
                    content = read_bytes(dataset.path / file, file)
                except BadFile as e:
                    dataset.note(file, str(e))
                    continue
                yield Book(file.rpartition("/")[0] or self.name, file, {}, content)


@cache
def _ours() -> tuple[Book, ...]:
    """copycat's own data set, which does not change while copycat runs."""
    release = shipped_release()
    return tuple(Book(p, str(c["id"]), c, _held(c)) for p in PARTS for c in rows(release, p))


def _held(cells: Mapping[str, Any]) -> bytes | None:
    """The picture in a row; None where there is none."""
    for value in cells.values():
        content = value.get("bytes") if isinstance(value, dict) else value
        if isinstance(content, bytes) and content:
            return content
    return None
