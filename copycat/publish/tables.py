"""The tables of a dataset: which columns each has, and what they mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from pydantic import BaseModel

from copycat.cards.calibration import Calibration
from copycat.publish.columns import TYPES, Column, columns_of
from copycat.publish.people import PublishedLabel
from copycat.records import ImageRow, Metric, Request, Shift, Verdict
from copycat.subjects.characters import Character

RUN = Column("run", "string", "Name of the run that the row belongs to.")
JOINED = tuple(
    c for c in columns_of(Request) if c.name in ("character", "mitigation", "prompt_set", "run_seed")
)
"""What a row about a picture repeats of its request, so that it can be grouped without a join."""


@dataclass(frozen=True)
class Table:
    """One configuration of the dataset."""

    name: str
    about: str
    model: type[BaseModel]
    what: str
    """One row in words, for errors."""
    columns: tuple[Column, ...]

    @property
    def schema(self) -> pa.Schema:
        """Its Parquet schema; a column's description travels with it."""
        return pa.schema(
            pa.field(c.name, TYPES[c.kind], metadata={"description": c.about}) for c in self.columns
        )

    def arrow(self, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
        """`rows`, a dict of cells each, as a table."""
        return pa.Table.from_pylist([dict(r) for r in rows], schema=self.schema)


PHASH = Column(
    "phash",
    "string",
    "Perceptual hash, 63 bits as 16 hex digits (signs of the lowest frequencies, Zauner 2010); null where "
    "the picture was not at hand.",
)
REGISTRY = (
    Column("registry", "string", "Name of the registry."),
    Column("registry_version", "int64", "Its version."),
    Column("protected", "bool", "Whether somebody holds rights in the character."),
    Column("noun", "string", "What the registry calls its subjects."),
    Column("questions", "json", "JSON of how judges are asked where not as usual, by kind of question."),
)


def _table(name: str, about: str, model: type[BaseModel], what: str, *more: Column) -> Table:
    return Table(name, about, model, what, (*more, *columns_of(model)))


CHARACTERS = _table("characters", "Everyone who could be named.", Character, "a character", *REGISTRY)
PROMPTS = _table(
    "prompts", "Every picture that was planned, with its prompt as sent.", Request, "a request", RUN
)
IMAGES = _table("images", "What became of each.", ImageRow, "a picture's row", RUN, *JOINED, PHASH)
VERDICTS = _table("verdicts", "What every judge said about each picture.", Verdict, "a verdict", RUN, *JOINED)
METRICS = _table("metrics", "The numbers, each with its intervals and denominators.", Metric, "a metric", RUN)
SHIFTS = _table(
    "shifts",
    "How far guardrails moved the pictures of innocent prompts.",
    Shift,
    "a picture's distance",
    RUN,
    *JOINED,
)
"""Of a dataset whose runs drew innocent prompts, and of no other."""
LABELS = _table(
    "labels",
    "What raters answered about pictures; `copycat calibrate --labels` reads it.",
    PublishedLabel,
    "a label",
    RUN,
)
"""Of a dataset whose runs people labelled."""
CALIBRATIONS = _table(
    "calibrations",
    "How far judges agree with raters, and raters with one another, one row a run.",
    Calibration,
    "a calibration",
    RUN,
)
"""Of a dataset whose runs have a `calibration.json`."""
TABLES = (METRICS, VERDICTS, IMAGES, PROMPTS, CHARACTERS)
"""Those of every dataset. The first is the one that a reader gets who asks for none."""


@dataclass(frozen=True)
class Payload:
    """A column of whole files."""

    column: str
    field: str
    """The field of ImageRow with the file's path."""
    picture: bool
    """Whether the files are pictures; else they are videos."""
    about: str


PAYLOADS = (
    Payload("image", "file", True, "The picture itself, in the bytes whose SHA-256 is `sha256`."),
    Payload("strip_image", "strip", True, "All frames of a video side by side; on frame 0 alone."),
    Payload("video_bytes", "video", False, "The whole video as MP4; on frame 0 alone."),
)


def described(table: Table, payloads: Iterable[Payload]) -> list[tuple[str, str, str]]:
    """(name, type, description) of every column, those of whole files included."""
    told = [(c.name, _WORDS.get(c.kind, c.kind), c.about) for c in table.columns]
    if table is IMAGES:
        told += [(p.column, "image" if p.picture else "binary", p.about) for p in payloads]
    return told


_WORDS = {"strings": "list of string", "json": "string (JSON)"}


@dataclass(frozen=True)
class File:
    """One data file of a dataset."""

    path: str
    """Relative to the dataset's folder."""
    table: Table
    rows: int
    size: int
    """Bytes."""
    sha256: str
