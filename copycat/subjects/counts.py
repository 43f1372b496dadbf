"""How often a training corpus names each character: counts by (character, corpus), in files of their own.

A counts file is JSON, or YAML where somebody writes one by hand. `copycat count` makes them, registries cite
them (`counts:`), and reports and rankings read them.
"""

from __future__ import annotations

import datetime
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field, ValidationError, model_validator

from copycat.cards.catalog import Catalog
from copycat.errors import BadFile, first_fault, first_line
from copycat.io.atomic import write_text
from copycat.io.documents import parse_json, parse_yaml, read_text
from copycat.io.paths import DATA
from copycat.records import Row
from copycat.subjects.characters import Registry

Unit = Literal["captions", "distinct captions", "documents", "occurrences", "pictures"]
"""What is counted: captions or documents that hold a name, captions that are alike once, every place where a
name stands, or pictures of the character."""


class Count(Row):
    """What was counted of one character."""

    slug: str
    name: str
    count: int = Field(ge=0)
    """Of the file's unit: those that hold at least one of its names."""
    doubtful: int = Field(default=0, ge=0)
    """Of these, those in which every one of its names is a word of the language too ("link") or part of
    somebody else's name: most may mean something else."""
    names: dict[str, int] = Field(default_factory=dict)
    """By each name as it is compared; a caption that holds two counts for both."""
    words: tuple[tuple[str, int], ...] = ()
    """Words in most of those captions, and in how many, most frequent first."""

    @model_validator(mode="after")
    def _fits(self) -> Count:
        if self.doubtful > self.count:
            raise ValueError(f"{self.slug}: more are doubtful than there are")
        return self


class Counts(Row):
    """One counts file."""

    format: Literal["copycat counts 1"] = "copycat counts 1"
    corpus: str
    """What the corpus is called, in tables too."""
    unit: Unit = "captions"
    date: datetime.date
    """When it was counted; of what a paper prints, when that appeared."""
    source: str
    """Who counted: the command, or the paper and its table."""
    rule: str
    """When a caption counts as naming a character, in words."""
    registries: tuple[str, ...] = ()
    """The registries that the names are from, with their versions."""
    total: int | None = Field(default=None, ge=0)
    """Captions or documents of the corpus, empty ones left out; None where nobody says."""
    shards: int | None = Field(default=None, ge=0)
    """Files that the corpus is in, of those that were counted."""
    skipped: tuple[str, ...] = ()
    """Files of which nothing was counted, each with the reason."""
    words_kept: int | None = Field(default=1_000, ge=0)
    """How many words beside each name are in the file at most, of more that were counted; None where the file
    has the words that an index was asked for, and no others."""
    identity: str = ""
    """Hashes of what was counted, by which rule: whether a command has done its work already."""
    characters: tuple[Count, ...] = Field(validation_alias=AliasChoices("counts", "characters"))
    """In a file they are called `counts`."""

    @model_validator(mode="after")
    def _once(self) -> Counts:
        twice = [slug for slug, n in Counter(c.slug for c in self.characters).items() if n > 1]
        if twice:
            raise ValueError(f"{twice[0]} is there twice")
        return self

    @property
    def by_slug(self) -> Mapping[str, Count]:
        """The counts by the character's slug."""
        return {c.slug: c for c in self.characters}

    def known(self, slugs: Iterable[str]) -> dict[str, int | None]:
        """The count of each of `slugs`; None for one that was not counted."""
        found = self.by_slug
        return {s: found[s].count if s in found else None for s in slugs}

    @property
    def title(self) -> str:
        """What a column of these counts is called."""
        return f"{self.unit} in {self.corpus}"


def read_counts_file(path: Path) -> Counts:
    """The counts in `path`; raises BadFile for a file that holds none."""
    try:
        text = read_text(path)
        raw = parse_json(text) if path.suffix == ".json" else parse_yaml(text)
        return Counts.model_validate(raw)
    except ValidationError as e:
        raise BadFile(f"{path} is not a counts file: {first_fault(e)}.") from e
    except (OSError, ValueError) as e:
        raise BadFile(f"{path} is not a counts file ({first_line(e)}).") from e


CATALOG: Catalog[Counts] = Catalog(
    "counts",
    singular="counts file",
    folder=DATA / "counts",
    parse=read_counts_file,
    suffixes=(".json", ".yaml", ".yml"),
)


def load_counts(name_or_path: str) -> Counts:
    """Counts by their name in the catalogue (`copycat ls counts`) or the path of their file; raises
    UnknownName or BadFile."""
    path = Path(name_or_path)
    return read_counts_file(path) if path.suffix in CATALOG.suffixes else CATALOG.get(name_or_path)


def cited_counts(registry: Registry) -> list[Counts]:
    """The counts that `registry` cites, in its order; raises BadFile for one that is missing or none."""
    return [read_counts_file(Path(path)) for path in registry.counts]


def write_counts_file(path: Path, counts: Counts) -> None:
    """Write `counts`, the whole file or nothing, with a line for each character."""
    told = counts.model_dump(mode="json", exclude_defaults=True, exclude={"characters", "unit"})
    said = {"format": counts.format, **told, "unit": counts.unit}
    head = json.dumps(said, indent=1, ensure_ascii=False).rstrip("}\n")
    each = ",\n".join("  " + c.model_dump_json(exclude_defaults=True) for c in counts.characters)
    write_text(path, f'{head},\n "counts": [\n{each}\n ]\n}}\n')
