"""A data set's folder: its documents, tables, description, licence and records, each read once."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from copycat.audit.documents import Document, Part, read_document
from copycat.audit.pii import Personal, personal
from copycat.audit.results import ErrorRate, Evidence
from copycat.audit.roles import Entry
from copycat.audit.rows import ENDINGS, SAMPLE, Cells, Table, read_table
from copycat.errors import BadFile, first_line
from copycat.io.documents import parse_json, parse_yaml

MOST_FILES = 20_000
"""Files of a folder that are looked at."""
_MOST_TEXT = 5_000_000
"""Bytes of a document that are read."""
_CARD = ("readme.md", "dataset_card.md", "datacard.md")
_SIDE = re.compile(
    r"(?:^|/)(?:croissant|publication|dataset_infos?|package|codemeta|metadata_croissant|state|dataset_dict)\.json$"
    r"|(?:^|/)(?:opt[-_]?outs?|optout[^/]*|removals?|robots[^/]*|licen[cs]e[-_]?sample[^/]*)\.[a-z]+$"
    r"|(?:^|/)robots/"
)
"""Files that are records about the data, not the data."""
_OPT_OUTS = re.compile(
    r"(?:^|/)(?:opt[-_]?outs?|optout[^/]*|removals?)\.(csv|tsv|jsonl|ndjson|parquet|ya?ml)$"
)
_LICENCES = re.compile(r"^(?:licen[cs]e|copying|unlicense)(?:[-.][\w.-]+)?$", re.I)
_DOCUMENTS = re.compile(r"\.(?:md|markdown|rst)$", re.I)
_TERMS = re.compile(r"(?:^|/)(?:terms|conditions|eula|agreement)[^/]*\.(?:md|txt)$", re.I)
_CHANGES = re.compile(r"(?:^|/)(?:changelog|changes|history|news|releases?)(?:\.(?:md|txt|rst))?$", re.I)
_CITATION = "CITATION.cff"
_MEDIA = re.compile(r"\.(?:png|jpe?g|webp|gif|tiff?|wav|mp3|flac|mp4|webm|txt|html?|pdf)$", re.I)

_PACKED = re.compile(
    r"\.(?:gz|zst|bz2|xz|zip|tar|tgz|7z|arrow|feather|orc|avro|h5|hdf5|db|sqlite3?|xlsx?|npz)$", re.I
)
"""Files that may hold tables, and are not looked into."""


@dataclass
class Dataset:
    """The folder `path`, which is never written to."""

    path: Path
    name: str
    revision: str = ""
    """A commit of the hub."""
    left: tuple[str, ...] = ()
    """Files of a data set of the hub that were too large to be fetched."""
    sample: int = SAMPLE
    """Rows of a table that are read; 0 for all."""
    licence_errors: ErrorRate | None = None
    """Measured on a labelled sample, where there is one."""
    unread: list[Evidence] = field(default_factory=list)
    """Files that could not be read, as they are met."""

    def __post_init__(self) -> None:
        if not self.path.is_dir():
            raise BadFile(f"{self.path} is no folder with a data set.")

    @cached_property
    def files(self) -> tuple[str, ...]:
        """Relative paths of all files, sorted, without hidden ones."""
        found = []
        inside = self._inside()
        for path in sorted(self.path.rglob("*")):
            file = path.relative_to(self.path).as_posix()
            if any(p.startswith(".") for p in file.split("/")) or not path.is_file():
                continue
            if path.is_symlink() and not any(path.resolve().is_relative_to(i) for i in inside):
                self.note(file, "it is a link to something outside of the folder, which is not followed")
                continue
            found.append(file)
            if len(found) == MOST_FILES:
                self.unread.append(
                    Evidence(file="", found=f"only the first {MOST_FILES:,} files are looked at")
                )
                break
        return tuple(found)

    def _inside(self) -> list[Path]:
        """Where its files may lie: its folder and, of one in the hub's cache, what that links to."""
        root = self.path.resolve()
        return [root, root.parents[1] / "blobs"] if root.parent.name == "snapshots" else [root]

    @cached_property
    def file_set(self) -> frozenset[str]:
        """The same paths, to look one up."""
        return frozenset(self.files)

    def digest(self, file: str, algorithm: str) -> str | None:
        """The hash of a file in hex digits; None, and noted in `unread`, where it cannot be read."""
        made = hashlib.new(algorithm, usedforsecurity=False)
        try:
            with (self.path / file).open("rb") as f:
                while block := f.read(1 << 20):
                    made.update(block)
        except OSError as e:
            self.note(file, first_line(e))
            return None
        return made.hexdigest()

    def text(self, file: str) -> str:
        """The start of a file as text; empty, and noted in `unread`, where it is none."""
        try:
            with (self.path / file).open("rb") as f:
                content = f.read(_MOST_TEXT)
            # One that was cut may end within a character.
            return content.decode("utf-8-sig", "strict" if len(content) < _MOST_TEXT else "ignore")
        except UnicodeDecodeError:
            self.note(file, "it is not in UTF-8; save it as UTF-8")
        except OSError as e:
            self.note(file, first_line(e))
        return ""

    def is_unread(self, file: str) -> bool:
        """Whether a file that was asked for could not be read."""
        return any(e.file == file for e in self.unread)

    def note(self, file: str, why: str) -> None:
        """Remember that `file` could not be read, once."""
        if not self.is_unread(file):
            self.unread.append(Evidence(file=file, found=why.removeprefix(f"{file} ")))

    @cached_property
    def card(self) -> Document | None:
        """The card: README.md; None where there is none."""
        named = next((f for f in self.files if f.lower() in _CARD), None)
        return read_document(named, self.text(named)) if named else None

    @property
    def front(self) -> dict[str, Any]:
        """The card's front matter; empty where there is none."""
        return self.card.front if self.card else {}

    @cached_property
    def documents(self) -> tuple[Document, ...]:
        """Everything it says of itself in words, the card first; no licences and no lists of changes."""
        others = [
            f
            for f in self.files
            if _DOCUMENTS.search(f)
            and not (self.card and f == self.card.file)
            and not _CHANGES.search(f)
            and not _LICENCES.match(f)
            and f.count("/") < 2
        ]
        return (*filter(None, [self.card]), *(read_document(f, self.text(f)) for f in others))

    @property
    def parts(self) -> Iterator[Part]:
        """Sections of all documents."""
        for document in self.documents:
            yield from document.parts

    @cached_property
    def changes(self) -> tuple[str, str] | None:
        """The file of changes and its text."""
        named = next((f for f in self.files if _CHANGES.search(f)), None)
        return (named, self.text(named)) if named else None

    @cached_property
    def citation(self) -> dict[str, Any]:
        """What CITATION.cff says."""
        if _CITATION not in self.files:
            return {}
        try:
            held = parse_yaml(self.text(_CITATION))
        except ValueError as e:
            self.note(_CITATION, first_line(e))
            return {}
        return held if isinstance(held, dict) else {}

    @cached_property
    def licence_files(self) -> tuple[tuple[str, str], ...]:
        """Files with the text of a licence, each with it."""
        return tuple((f, self.text(f)) for f in self.files if _LICENCES.match(f))

    @cached_property
    def terms(self) -> tuple[tuple[str, str], ...]:
        """Files with terms of use beside the licence."""
        return tuple((f, self.text(f)) for f in self.files if _TERMS.search(f))

    @cached_property
    def croissant(self) -> tuple[str, Any] | None:
        """The file of its description in Croissant, and what it holds; None for what is no JSON."""
        ends = {f: f.rpartition("/")[2] for f in self.files}
        called = [f for name in ("croissant.json", "metadata.json") for f, end in ends.items() if end == name]
        # Of several of a name the one that lies highest.
        named = min(called, key=lambda f: (ends[f], f.count("/"), f), default=None)
        if named is None:
            return None
        try:
            return named, parse_json(self.text(named))
        except ValueError as e:
            self.note(named, first_line(e))
            return named, None

    @property
    def table_files(self) -> list[str]:
        """Files with tables of the data itself."""
        endings = {f: Path(f).suffix.lower() for f in self.files if not _SIDE.search(f)}
        return [f for f, e in endings.items() if e in ENDINGS or (e == ".json" and f.startswith("data/"))]

    @cached_property
    def tables(self) -> tuple[Table, ...]:
        """Tables of the data itself; files that cannot be read are noted."""
        found = []
        for file in self.table_files:
            try:
                found.append(read_table(self.path / file, file, self.sample))
            except BadFile as e:
                self.note(file, first_line(e))
        packed = [f for f in self.files if _PACKED.search(f)]
        if packed:
            told = (
                f"one of {len(packed):,} files of kinds that are not read; make CSV, JSONL or Parquet of them"
            )
            self.note(packed[0], told)
        return tuple(found) or self._media()

    def _media(self) -> tuple[Table, ...]:
        """Pictures, sounds and texts as rows of a table, where there is no other."""
        known = {d.file for d in self.documents} | {f for f, _ in (*self.licence_files, *self.terms)}
        media = [f for f in self.files if _MEDIA.search(f) and f not in known and not _SIDE.search(f)]
        rows = tuple((i, {"file_name": f}) for i, f in enumerate(media, 1))
        return (Table("", ("file_name",), rows, len(rows)),) if rows else ()

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """Rows of all tables, as items with a source, a licence and so on."""
        return tuple(Entry(t.file, number, cells) for t in self.tables for number, cells in t.rows)

    @cached_property
    def personal(self) -> tuple[tuple[Entry, str, Personal], ...]:
        """Every piece of personal data in the items, with the column that it stands in."""
        return tuple(
            (e, column, p)
            for e in self.entries
            for column, text, digits in e.written
            for p in personal(text, digits=digits)
        )

    def of_table(self, table: Table) -> tuple[Entry, ...]:
        return tuple(e for e in self.entries if e.file == table.file)

    @cached_property
    def opt_outs(self) -> tuple[str, Sequence[Cells], dict[str, Any]] | None:
        """The record of opt-outs: its file, its rows and, of YAML, what its head says."""
        named = next((f for f in self.files if _OPT_OUTS.search(f)), None)
        if named is None:
            return None
        if named.endswith(("yaml", "yml")):
            try:
                held = parse_yaml(self.text(named))
            except ValueError as e:
                self.note(named, first_line(e))
                return named, (), {}
            held = held if isinstance(held, dict) else {"requests": held}
            listed = next((v for v in held.values() if isinstance(v, list)), [])
            head = {k: v for k, v in held.items() if not isinstance(v, list)}
            return named, [r for r in listed if isinstance(r, dict)], head
        try:
            table = read_table(self.path / named, named, 0)
            if table.broken:
                row, why = table.broken[0]
                self.note(
                    named, f"{len(table.broken):,} rows cannot be read, the first of them row {row}: {why}"
                )
            return named, [cells for _, cells in table.rows], {}
        except BadFile as e:
            self.note(named, first_line(e))
            return named, (), {}
