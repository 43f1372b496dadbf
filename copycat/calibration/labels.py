"""Labels: what people, or any other rater, say about pictures; a table that every tool can read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from pydantic import Field, ValidationError, field_validator

from copycat.errors import BadFile, UserError, first_fault
from copycat.io.atomic import write_bytes, write_text
from copycat.io.spreadsheets import as_text, from_text
from copycat.io.tables import Cells, filled, lacking
from copycat.io.tables_hub import load_table
from copycat.records import Row

YES, NO = frozenset({"1", "yes", "y", "true", "t"}), frozenset({"0", "no", "n", "false", "f"})
NOBODY, LOOKALIKE = "none", "look-alike"
"""What `saw` says when it names no character."""
MISSING = frozenset({"", "nan", "none", "null", "na", "n/a", "?", "skip", "unsure"})
_NOTHING = frozenset({"", "nan", "null", "<na>"})
"""What tables of programs write into cells that hold nothing."""


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


class Label(Row):
    """One rater's answer about one picture and one character; a row of the table, a field a column."""

    image: str = Field(min_length=1)
    """The picture's path as the run's `images.jsonl` has it, or relative to the labelled folder."""
    character: str = Field(min_length=1)
    """Slug, name or alias in the registry."""
    rater: str = Field(min_length=1)
    """Who answered; a name, or what stands for one."""
    label: bool | None
    """Whether the picture shows the character; None where the rater gave no answer."""
    saw: str = ""
    """Slug of the character that the rater saw, "none" for nobody, "look-alike" for a figure that resembles
    the character and is not it; empty where that was not asked."""
    confidence: int | None = Field(default=None, ge=1, le=3)
    """1 a guess, 2 fairly sure, 3 sure."""
    sha256: str = ""
    """Of the picture's file; where it is given, a label of other pixels is never taken for this picture's."""

    @field_validator("label", mode="before")
    @classmethod
    def _told(cls, value: object) -> object:
        if value is None or isinstance(value, bool):
            return value
        text = str(value).strip().casefold().removesuffix(".0")
        if text in YES | NO:
            return text in YES
        if text in MISSING:
            return None
        if _is_number(text.removesuffix("%")):
            raise ValueError(f"'{value}' is a score and no yes or no; write 1 or 0, by a threshold of yours")
        raise ValueError(f"'{value}' is neither yes, no nor missing")

    @field_validator("image", "character", "rater", "saw", mode="before")
    @classmethod
    def _from_spreadsheet(cls, value: object) -> object:
        return from_text(value) if isinstance(value, str) else value

    @field_validator("image", "character", "rater")
    @classmethod
    def _given(cls, value: str) -> str:
        if value.strip().casefold() in _NOTHING:
            raise ValueError(f"'{value}' stands for nothing; fill it in, or leave the row out")
        return value

    @field_validator("saw", "sha256")
    @classmethod
    def _or_empty(cls, value: str) -> str:
        return "" if value.strip().casefold() in _NOTHING else value

    @field_validator("confidence", mode="before")
    @classmethod
    def _sure(cls, value: object) -> object:
        return None if str(value).strip().casefold() in MISSING else value


WHAT = "table of labels"
CONFIG = "labels"
"""The configuration of a data set that is read."""
NEEDED = ("image", "character", "rater", "label")


def load_labels(source: str) -> tuple[Label, ...]:
    """The labels of a table in order, each rater's once a picture and character.

    The table is a CSV, TSV, JSONL or Parquet file, or a HuggingFace data set: a local folder or `user/name`,
    with `@revision` for a fixed one. Of several configurations the one called `labels` is read, of splits
    all. Columns that are no field of :class:`Label` are left alone. Raises BadFile for what is no such table,
    for a row that is no label and for a rater who contradicts himself, and MissingRequirement without the
    package `datasets` or the hub.
    """
    text = [name for name, field in Label.model_fields.items() if field.annotation is str]
    return _parsed(load_table(source, WHAT, CONFIG, text), source)


def _parsed(rows: Sequence[Cells], source: str) -> tuple[Label, ...]:
    if not rows:
        raise BadFile(f"{source} has no rows; labels need {', '.join(NEEDED)}.")
    if missing := lacking(rows, NEEDED):
        raise BadFile(f"{source} has no column {', '.join(missing)}; labels need {', '.join(NEEDED)}.")
    labels = []
    for number, row in enumerate(rows, 1):
        told = {k: v for k, v in filled(row).items() if k in Label.model_fields}
        try:
            labels.append(Label.model_validate({"label": None, **told}))
        except ValidationError as e:
            fault = first_fault(e).replace("Value error, ", "")
            raise BadFile(f"{source}, row {number}: not a label ({fault}).") from e
    return deduplicate(labels, source)


def deduplicate(labels: Iterable[Label], source: str) -> tuple[Label, ...]:
    """`labels` without repetitions; raises BadFile when a rater says yes and no of the same picture."""
    found: dict[tuple[str, str, str], Label] = {}
    for label in labels:
        key = (label.image, label.character, label.rater)
        earlier = found.setdefault(key, label)
        if earlier.label is None:
            found[key] = label
        elif label.label is not None and label.label != earlier.label:
            raise BadFile(
                f"{source}: {label.rater} says both yes and no of {label.image} and {label.character}; "
                "keep one of the two rows."
            )
    return tuple(found.values())


def write_labels(path: Path, labels: Iterable[Label]) -> None:
    """Write a CSV or Parquet file that :func:`load_labels` reads back, whole or not at all.

    Raises UserError for another ending, and MissingRequirement for a full disk and a forbidden folder.
    """
    import pandas as pd

    if path.suffix not in {".csv", ".parquet"}:
        raise UserError(f"Labels are written as .csv or .parquet, not as {path.name}.")
    table = pd.DataFrame([x.model_dump() for x in labels], columns=list(Label.model_fields))
    table = table.astype({"label": "boolean", "confidence": "Int64"})
    if path.suffix == ".parquet":
        write_bytes(path, table.to_parquet(index=False))
    else:
        told = ["image", "character", "rater", "saw"]
        table[told] = table[told].map(as_text)
        write_text(path, table.to_csv(index=False))


def digest_labels(labels: Iterable[Label]) -> str:
    """SHA-256 of the labels themselves, the same for the same labels in any file and order."""
    rows = sorted(x.model_dump_json() for x in labels)
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()
