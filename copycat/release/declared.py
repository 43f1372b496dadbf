"""What the data set is declared to hold: `data/release/release.yaml`."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from copycat.errors import BadFile, first_fault
from copycat.io.documents import parse_yaml, read_text
from copycat.io.paths import DATA
from copycat.records import Row

FILE = DATA / "release" / "release.yaml"


class Component(Row):
    """One part of the data set."""

    about: str
    why: str
    """Why this source was chosen, as the end of a sentence that begins with "chosen"."""
    how: str
    """How it came about."""
    made: dict[str, date]
    """When, by registry."""


class Change(Row):
    """What a version changed."""

    version: str
    date: date
    what: str


class LeftOut(Row):
    """What is not in it, and why."""

    what: str
    why: str


class Request(Row):
    """Somebody's wish that something be left out."""

    kind: Literal["character", "id", "sha256"]
    value: str
    """A slug, the id of a row, or the hash of its content."""
    date: date
    source: str = ""
    """How it was made, such as a letter; no name of a person."""


class OptOuts(Row):
    """Requests so far, and when they were last looked through."""

    checked: date
    requests: tuple[Request, ...] = ()


class Checked(Row):
    """How often somebody who read rows found their licence to be wrong."""

    date: date
    rows: int = Field(gt=0)
    wrong: int = Field(ge=0)
    seed: int
    """Of the draw of the rows that were read."""


class Release(Row):
    """The whole declaration."""

    title: str
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    date: date
    licence: str
    languages: tuple[str, ...]
    changes: tuple[Change, ...] = Field(min_length=1)
    """The newest first."""
    components: dict[str, Component]
    left_out: tuple[LeftOut, ...]
    opt_outs: OptOuts
    licences_checked: Checked


def read_release(path: Path = FILE) -> Release:
    """The declaration in `path`; BadFile for one that is none."""
    try:
        return Release.model_validate(parse_yaml(read_text(path)))
    except ValidationError as e:
        raise BadFile(f"{path} does not declare a data set ({first_fault(e)}).") from e
    except (OSError, ValueError) as e:
        raise BadFile(f"{path} cannot be read ({e}).") from e


@cache
def shipped_release() -> Release:
    """The declaration that comes with copycat."""
    return read_release()
