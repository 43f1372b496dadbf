"""Reading references: those of a registry, of a folder, or of a Parquet file."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from copycat.errors import BadFile, UserError, first_line
from copycat.io import pictures
from copycat.io.file_hashes import file_hashes
from copycat.io.paths import DATA
from copycat.io.words import whole
from copycat.records import digest
from copycat.subjects.characters import Registry

ENDINGS = (".png", ".jpg", ".jpeg", ".webp")
IMAGE = ("image", "picture", "bytes")
"""Columns of a table that may hold pictures, as bytes or as Hugging Face's datasets have them."""
WHO = ("character", "slug", "label")
_ROWS = 256


@dataclass(frozen=True)
class Reference:
    """One reference, not yet opened."""

    name: str
    """Its file relative to the set, or the row of a table."""
    character: str
    """Slug of whom it shows; empty where that is not known."""


class References(ABC):
    """A set of reference pictures."""

    title: str
    """What it is, for readers."""

    @property
    @abstractmethod
    def known(self) -> Sequence[Reference]:
        """All of it, in its order."""

    @property
    @abstractmethod
    def stamp(self) -> object:
        """What tells this set from another, without opening a picture; JSON."""

    @property
    @abstractmethod
    def content(self) -> str:
        """Hash of the files' content and of whom they show. Raises BadFile for one that cannot be read."""

    @abstractmethod
    def images(self, rows: Sequence[int] | None = None) -> Iterator[tuple[int, Image.Image | str]]:
        """Row and picture of all references, or of `rows` in rising order; in the place of one that cannot be
        opened the reason, a sentence."""


class Files(References):
    """Pictures in files."""

    def __init__(self, title: str, known: Sequence[tuple[Reference, Path]]) -> None:
        self.title, self._known = title, known

    @property
    def known(self) -> Sequence[Reference]:
        return [reference for reference, _ in self._known]

    @property
    def stamp(self) -> object:
        return [[r.name, r.character, *_stat(path)] for r, path in self._known]

    @property
    def content(self) -> str:
        hashes = _hashes([path for _, path in self._known])
        return digest([[r.character, h] for (r, _), h in zip(self._known, hashes, strict=True)])

    def images(self, rows: Sequence[int] | None = None) -> Iterator[tuple[int, Image.Image | str]]:
        for i in range(len(self._known)) if rows is None else rows:
            try:
                yield i, pictures.read(self._known[i][1], f"The reference {self._known[i][0].name}")
            except BadFile as e:
                yield i, str(e)


class Table(References):
    """Pictures in a column of a Parquet file, which is never in memory as a whole."""

    def __init__(self, path: Path, registry: Registry) -> None:
        self.title, self._path = whole(path.name), path
        names = _columns(path)
        self._image = next((c for c in IMAGE if c in names), "")
        who = next((c for c in WHO if c in names), "")
        if not self._image:
            raise BadFile(
                f"{path} has no column with pictures; call it {' or '.join(IMAGE)} (it has: "
                f"{', '.join(sorted(names)) or 'none'})."
            )
        slugs = [str(v or "") for part in _batches(path, [who]) for v in part] if who else None
        total = len(slugs) if slugs is not None else _count(path)
        self._known = [
            Reference(f"{self.title}:{i + 1}", _slug(registry, slugs[i]) if slugs else "")
            for i in range(total)
        ]

    @property
    def known(self) -> Sequence[Reference]:
        return self._known

    @property
    def stamp(self) -> object:
        return [self.title, *_stat(self._path)]

    @property
    def content(self) -> str:
        return digest(_hashes([self._path]))

    def images(self, rows: Sequence[int] | None = None) -> Iterator[tuple[int, Image.Image | str]]:
        wanted, at = None if rows is None else set(rows), 0
        for part in _batches(self._path, [self._image]):
            for cell in part:
                if wanted is None or at in wanted:
                    yield at, self._opened(cell, at)
                at += 1

    def _opened(self, cell: Any, row: int) -> Image.Image | str:
        where = f"The reference {self._known[row].name}"
        content = cell.get("bytes") if isinstance(cell, dict) else cell
        if not isinstance(content, bytes):
            return f"{where} holds no picture"
        try:
            return pictures.decode(content, where).image
        except BadFile as e:
            return str(e)


def of_registry(registry: Registry) -> References:
    """The reference pictures of a registry's characters; raises UserError where there is none."""
    found = [(Reference(_portable(r), c.slug), DATA / r) for c in registry.characters for r in c.references]
    if not found:
        raise UserError(
            f"The registry {registry.name} has no reference pictures; name a folder or a Parquet file with "
            "--references."
        )
    return Files(f"the references of the registry {registry.name}", found)


def _portable(reference: str) -> str:
    """A reference's path, relative to `data/` where it lies there."""
    path = DATA / reference
    return path.relative_to(DATA).as_posix() if path.is_relative_to(DATA) else reference


def references_at(path: Path, registry: Registry) -> References:
    """The pictures in a folder and its folders, those in one called as a character's slug being that
    character's; or those of a Parquet file. Raises BadFile for anything else, and where there is none."""
    if path.suffix.lower() == ".parquet" and path.is_file():
        return Table(path, registry)
    if not path.is_dir():
        raise BadFile(f"{path} holds no references: name a folder of pictures, or a Parquet file of them.")
    files = sorted(p for p in path.rglob("*") if p.suffix.lower() in ENDINGS and p.is_file())
    if not files:
        raise BadFile(f"{path} holds no pictures ({', '.join(ENDINGS)}), nor do its folders.")
    found = []
    for file in files:
        inside = file.relative_to(path)
        who = inside.parts[0] if len(inside.parts) > 1 else ""
        found.append((Reference(whole(inside.as_posix()), _slug(registry, who)), file))
    return Files(whole(path.name), found)


def _slug(registry: Registry, name: str) -> str:
    """The slug of the one character that goes by `name`; empty for none."""
    who = registry.called(name) if name else ()
    return who[0].slug if len(who) == 1 else ""


def _hashes(paths: Sequence[Path]) -> list[str]:
    try:
        return [found.hex() for found in file_hashes(paths)]
    except OSError as e:
        raise BadFile(f"The reference {e.filename} cannot be read ({e.strerror}).") from e


def _stat(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_size, found.st_mtime_ns


def _columns(path: Path) -> set[str]:
    with _parquet(path) as file:
        return set(file.schema_arrow.names)


def _count(path: Path) -> int:
    with _parquet(path) as file:
        return int(file.metadata.num_rows)


def _batches(path: Path, columns: list[str]) -> Iterator[list[Any]]:
    with _parquet(path) as file:
        for batch in file.iter_batches(_ROWS, columns=columns):
            yield batch.column(0).to_pylist()


@contextmanager
def _parquet(path: Path) -> Iterator[Any]:
    """The open file; BadFile for one that cannot be read, at whatever place."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            yield file
    except (OSError, ValueError, IndexError, NotImplementedError, pa.ArrowException) as e:
        raise BadFile(f"{path} cannot be read as a Parquet file of references ({first_line(e)}).") from e
