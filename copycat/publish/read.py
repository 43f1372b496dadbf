"""Reads a dataset's folder back into rows, and believes none of it unchecked."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, Field, ValidationError

from copycat.cards.calibration import Calibration
from copycat.errors import BadFile, first_fault, first_line
from copycat.io import safe
from copycat.io.documents import parse_json
from copycat.publish.checking import check_answer, check_rows
from copycat.publish.columns import from_cells
from copycat.publish.people import PublishedLabel
from copycat.publish.tables import (
    CALIBRATIONS,
    CHARACTERS,
    IMAGES,
    LABELS,
    METRICS,
    PAYLOADS,
    PROMPTS,
    SHIFTS,
    VERDICTS,
    Table,
)
from copycat.publish.target import LIST
from copycat.publish.write import FORMAT
from copycat.records import ImageRow, Metric, Request, Shift, Verdict
from copycat.runs.data import RunData
from copycat.runs.folder import PICTURE_FOLDERS
from copycat.runs.manifest import Manifest
from copycat.runs.row_checks import has_own_identity
from copycat.subjects.characters import Character, Registry

M = TypeVar("M", bound=BaseModel)


class _Listed(BaseModel):
    sha256: str


class _Run(BaseModel):
    name: str
    manifest: Manifest


class _List(BaseModel):
    """`publication.json`."""

    format: int
    pictures: Literal["included", "withheld"]
    runs: tuple[_Run, ...] = Field(min_length=1)
    files: dict[str, _Listed]


class Dataset:
    """A dataset's folder, each data file checked against its hash."""

    def __init__(self, folder: Path) -> None:
        """Raises BadFile for a folder that is no such dataset, is newer than this copycat, or was changed."""
        self.folder = folder
        path = folder / LIST
        if not path.is_file():
            raise BadFile(f"{folder} is no dataset that copycat published: it has no {LIST}.")
        try:
            text = path.read_text(encoding="utf-8")
            newer = parse_json(text).get("format")
            if isinstance(newer, int) and newer > FORMAT:
                raise BadFile(f"{folder} was published by a newer copycat; update copycat to read it.")
            self._list = _List.model_validate_json(text)
        except ValidationError as e:
            raise BadFile(f"{path} is not a list of what was published ({first_fault(e)}).") from e
        except (OSError, ValueError, AttributeError) as e:
            raise BadFile(f"{path} cannot be read ({e}).") from e
        for name in self.runs:
            safe.name(name, str(path))
        if len({name.casefold() for name in self.runs}) < len(self.runs):
            raise BadFile(f"{path} names two runs alike, so that one would lie in the other's folder.")
        for file, listed in self._list.files.items():
            self._check(file, listed.sha256)

    def _check(self, file: str, sha256: str) -> None:
        path = self.folder / safe.relative(file, str(self.folder / LIST))
        try:
            with path.open("rb") as f:
                found = hashlib.file_digest(f, "sha256").hexdigest()
        except OSError as e:
            raise BadFile(f"{self.folder} is not whole: {file} cannot be read ({e.strerror}).") from e
        if found != sha256:
            raise BadFile(f"{path} is not what was published: its hash differs. Download it again.")

    @property
    def runs(self) -> list[str]:
        """Names of its runs; each can name a folder."""
        return [run.name for run in self._list.runs]

    @property
    def withheld(self) -> bool:
        """Whether the pictures are not in it."""
        return self._list.pictures != "included"

    @property
    def revision(self) -> str:
        """Hash of the list of its files, which stands for the commit where there is none."""
        return hashlib.sha256((self.folder / LIST).read_bytes()).hexdigest()

    def manifest(self, run: str) -> Manifest:
        return next(r.manifest for r in self._list.runs if r.name == run)

    def requests(self, run: str) -> list[Request]:
        """As planned; BadFile for one that is not what its identity says."""
        found = self._rows(PROMPTS, Request, run)
        wrong = next((r.id for r in found if not has_own_identity(r)), None)
        if wrong:
            raise BadFile(f"The request {wrong} of {self.folder} is not what its identity says.")
        return found

    def images(self, run: str) -> list[ImageRow]:
        """What became of each; BadFile for a path that leads out of the run folder."""
        found = self._rows(IMAGES, ImageRow, run)
        for row in found:
            for file in (row.file, row.video, row.strip):
                if file is not None:
                    self._media(file)
        return found

    def verdicts(self, run: str) -> list[Verdict]:
        """What judges said; BadFile for an answer outside its range."""
        found = []
        for cells in (c for c in self._cells(VERDICTS) if c["run"] == run):
            row = from_cells(cells, Verdict, VERDICTS.what)
            check_answer(row, cells["status"], str(self.folder))
            found.append(row)
        return found

    def data(self, run: str) -> RunData:
        """The run as its rows have it; it lies nowhere."""
        return RunData(
            path=Path(run),
            manifest=self.manifest(run),
            registry=self.registry_of(run),
            requests=self.requests(run),
            image_rows=self.images(run),
            verdict_rows=self.verdicts(run),
        )

    def check(self, run: str) -> None:
        """Raise BadFile where the rows of a run do not fit together or are not all there."""
        rows = self.requests(run), self.images(run), self.verdicts(run)
        check_rows(*rows, self.manifest(run), str(self.folder))

    def shifts(self, run: str) -> list[Shift]:
        """Empty also for a dataset without that table, whose runs drew no innocent prompts or are older."""
        return self._rows(SHIFTS, Shift, run) if self._has(SHIFTS) else []

    def labels(self, run: str) -> list[PublishedLabel]:
        """What raters answered, oldest first; empty for a run that nobody labelled."""
        return self._rows(LABELS, PublishedLabel, run) if self._has(LABELS) else []

    def calibration(self, run: str) -> Calibration | None:
        """How far judges agree with raters; None for a run without a calibration."""
        found = self._rows(CALIBRATIONS, Calibration, run) if self._has(CALIBRATIONS) else []
        if len(found) > 1:
            raise BadFile(
                f"{self.folder} has {len(found)} calibrations of the run {run}, which can have one."
            )
        return found[0] if found else None

    def _has(self, table: Table) -> bool:
        return any(_is_of(f, table) for f in self._list.files)

    def registry_of(self, run: str) -> Registry:
        """The characters that a run is about."""
        wanted = self.manifest(run).config.registry
        return self.registry(self.registry_name(self.requests(run), wanted))

    def metrics(self, run: str) -> list[Metric]:
        return self._rows(METRICS, Metric, run)

    def registry(self, name: str) -> Registry:
        """The characters as they were when the run was published."""
        cells = [c for c in self._characters if c["registry"] == name]
        if not cells:
            raise BadFile(f"{self.folder} has no characters of the registry {name}.")
        people = [from_cells(c, Character, CHARACTERS.what) for c in cells]
        for c in people:
            for file in c.references:
                safe.relative(file, str(self.folder))
        first = cells[0]
        return Registry(
            name,
            int(first["registry_version"]),
            people,
            protected=bool(first["protected"]),
            noun=first.get("noun") or "character",
            questions=parse_json(first.get("questions") or "{}"),
        )

    def registry_name(self, requests: Sequence[Request], wanted: str) -> str:
        """Name of the registry that `requests` are about, which the run's settings call `wanted`."""
        asked = {r.character for r in requests}
        names = list(dict.fromkeys(str(c["registry"]) for c in self._characters))
        slugs = {n: {c["slug"] for c in self._characters if c["registry"] == n} for n in names}
        stem = Path(wanted).stem
        found = [n for n in sorted(names, key=lambda n: n != stem) if asked <= slugs[n]]
        if not found:
            raise BadFile(f"{self.folder} does not hold all characters that its prompts are about.")
        return found[0]

    def blobs(self, run: str) -> Iterator[tuple[str, bytes]]:
        """Pictures and videos of a run, each with its path inside the run folder.

        Raises BadFile for a picture whose hash is not its row's.
        """
        for path in self._files(IMAGES):
            parquet = pq.ParquetFile(path)
            there = [p for p in PAYLOADS if p.column in parquet.schema_arrow.names]
            needed = ["run", "sha256", *(p.field for p in there), *(p.column for p in there)]
            for batch in parquet.iter_batches(batch_size=32, columns=needed):
                for cells in batch.to_pylist():
                    if cells["run"] == run:
                        yield from self._blobs(cells)

    def _media(self, file: str) -> None:
        """Raise BadFile for a picture that would lie where rows or settings lie."""
        if safe.relative(file, str(self.folder)).parts[0] not in PICTURE_FOLDERS:
            raise BadFile(f"{self.folder}: the picture {file!r} is not in images/ or videos/.")

    def _blobs(self, cells: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
        for p in PAYLOADS:
            value, file = cells.get(p.column), cells.get(p.field)
            content = value.get("bytes") if isinstance(value, dict) else value
            if content is None or file is None:
                continue
            self._media(file)
            if p.field == "file" and hashlib.sha256(content).hexdigest() != cells["sha256"]:
                raise BadFile(f"The picture {file} of {self.folder} is not the one that was judged.")
            yield file, content

    def _files(self, table: Table) -> list[Path]:
        names = sorted(f for f in self._list.files if _is_of(f, table))
        if not names:
            raise BadFile(f"{self.folder} is not whole: it has no table {table.name}.")
        return [self.folder / n for n in names]

    def _rows(self, table: Table, model: type[M], run: str) -> list[M]:
        return [from_cells(c, model, table.what) for c in self._cells(table) if c["run"] == run]

    @cached_property
    def _characters(self) -> list[dict[str, Any]]:
        return self._cells(CHARACTERS)

    def _cells(self, table: Table) -> list[dict[str, Any]]:
        """All rows of a table, whole files left out."""
        whole = {p.column for p in PAYLOADS} if table is IMAGES else set()
        needed = ("registry", "registry_version", "protected") if table is CHARACTERS else ("run",)
        cells: list[dict[str, Any]] = []
        for path in self._files(table):
            try:
                names = [n for n in pq.read_schema(path).names if n not in whole]
                cells += pq.read_table(path, columns=names).to_pylist()
            except (pa.ArrowException, OSError, KeyError) as e:
                raise BadFile(f"{path} is not the table {table.name} ({first_line(e)}).") from e
            if cells and (lacking := [n for n in needed if n not in cells[0]]):
                raise BadFile(f"{path} has no column {lacking[0]}.")
        return cells


def _is_of(file: str, table: Table) -> bool:
    stem = file.rpartition("/")[2].removesuffix(".parquet")
    return stem == table.name or (table is IMAGES and stem.startswith(f"{table.name}-"))
