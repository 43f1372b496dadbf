"""How many training pictures each concept has: read from a table, or from a file that says where they are
from."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from copycat.errors import BadFile, first_line
from copycat.io.documents import parse_json, parse_yaml, read_text
from copycat.io.spreadsheets import from_text
from copycat.io.tables import ENDINGS, Cells, filled, read_table
from copycat.subjects.characters import Registry

CONCEPT = ("concept", "character", "slug", "name")
"""Columns that may say whom a row is about; the first that is there counts."""
COUNT = ("count", "captions", "images", "training_images")
"""Columns that may say how many pictures or captions."""
TRAINING = "training pictures"
"""The unit of counts that are of pictures themselves, and not of texts beside them."""
_SOURCE = ("corpus", "date", "rule", "unit")
_UNITS = {"pictures": TRAINING}
"""Units that counts files call otherwise."""
_SAYS_UNIT = {"captions": "captions", "training_images": TRAINING}
"""What is counted where a column of counts is called so."""
_DOCUMENTS = (".json", ".yaml", ".yml")


@dataclass(frozen=True)
class Count:
    """How often a corpus has one concept, all its aliases together."""

    captions: float
    """Pictures whose captions name it, or pictures of it where those are known; 0 or more."""
    downloaded: int | None = None
    """Of those, how many were to be had, links being dead; None where that is not known."""
    passed: int | None = None
    """Of the downloaded, how many show it; None where nobody looked."""
    doubtful: float = 0.0
    """Of `captions`, those that may mean something else: a word of the language, or part of another name."""

    @property
    def rescaled(self) -> bool:
        """Whether `effective` is anything else than what was counted."""
        return bool(self.downloaded) and self.passed is not None

    @property
    def doubt(self) -> float:
        """The share of `captions` that is doubtful, in [0, 1]."""
        return self.doubtful / self.captions if self.captions else 0.0

    @property
    def effective(self) -> float:
        """Pictures of the concept that the model saw: `passed` × `captions` / `downloaded`, rounded,
        where both are known, as if dead links had been like the others; else `captions`."""
        if self.downloaded and self.passed is not None:
            return float(round(self.passed * self.captions / self.downloaded))
        return self.captions

    def __add__(self, other: Count) -> Count:
        """Both names' pictures together, each part as far as it is known of both."""
        return Count(
            self.captions + other.captions,
            _sum(self.downloaded, other.downloaded),
            _sum(self.passed, other.passed),
            self.doubtful + other.doubtful,
        )


@dataclass(frozen=True)
class Counts:
    """Counts by concept, in any order, and where they are from."""

    by_concept: Mapping[str, Count]
    corpus: str = ""
    """Of which corpus, e.g. LAION-2B-en; empty where the file does not say."""
    date: str = ""
    rule: str = ""
    """How captions were matched."""
    unit: str = ""
    """What is counted: captions, distinct captions, documents, occurrences, training pictures; empty where
    nobody says."""
    unknown: tuple[str, ...] = field(default=())
    """Concepts of the file that the registry does not have, see :meth:`of`."""

    def of(self, registry: Registry) -> Counts:
        """The same by the slugs of `registry`; several names of one character are summed.

        What the registry does not have, or has several of, goes to `unknown`.
        """
        found: dict[str, Count] = {}
        unknown = []
        for name, count in self.by_concept.items():
            who = registry.called(name)
            if len(who) == 1:
                slug = who[0].slug
                found[slug] = found[slug] + count if slug in found else count
            else:
                unknown.append(name)
        return replace(self, by_concept=found, unknown=tuple(unknown))

    @property
    def exact(self) -> bool:
        """Whether pictures were counted, so that nothing has to be multiplied by the share that shows the
        concept."""
        return self.unit == TRAINING


def shown(unit: str) -> str:
    """What counts of `unit` are of where they were multiplied by the share that shows the concept."""
    return f"{unit} whose pictures show it" if unit and unit != TRAINING else unit


def registry_counts(registry: Registry) -> Counts:
    """What a registry itself says of its characters' training pictures; those of whom it says nothing are
    left out."""
    known = {c.slug: c.training_images for c in registry.characters}
    by_concept = {slug: Count(float(n)) for slug, n in known.items() if n is not None}
    return Counts(by_concept, corpus=f"as the registry {registry.name} says", unit=TRAINING)


def read_counts(path: Path) -> Counts:
    """The counts in `path`: a table (CSV, TSV, JSONL, Parquet), or JSON or YAML with a head.

    A table has a column `concept` (or `character`, `slug`, `name`) and one `count` (or `captions`, `images`,
    `training_images`), and may have `alias`, `downloaded`, `passed` and `doubtful`; rows of one concept are
    its aliases, and are summed. JSON and YAML hold such rows, or a number by concept, under `counts`, beside
    `corpus`, `date`, `rule` and `unit`. Raises BadFile for anything else.
    """
    if path.suffix.lower() in _DOCUMENTS:
        return _document(path)
    return counts_of(read_table(path, "table of counts"), str(path))


def counts_of(rows: Iterable[Cells], where: str) -> Counts:
    """The counts in the rows of a table; raises BadFile, whose sentence begins with `where`."""
    found: dict[str, Count] = {}
    seen: set[tuple[str, str]] = set()
    source: dict[str, str] = {}
    for number, raw in enumerate(rows, 1):
        row, at = filled(raw), f"{where}, row {number}"
        concept = text_of(row, CONCEPT, at)
        alias = str(row.get("alias", "")).strip()
        if (concept, alias) in seen:
            again = f" with the alias {alias}" if alias else ""
            raise BadFile(f"{at}: {concept} is there twice{again}; aliases of one concept go into `alias`.")
        seen.add((concept, alias))
        count = Count(
            number_of(row, COUNT, at),
            _whole(row, "downloaded", at),
            _whole(row, "passed", at),
            number_of(row, ("doubtful",), at) if "doubtful" in row else 0.0,
        )
        if count.passed is not None and (count.downloaded is None or count.passed > count.downloaded):
            raise BadFile(f"{at}: {concept} has more `passed` pictures than `downloaded` ones.")
        if count.doubtful > count.captions:
            raise BadFile(f"{at}: more of {concept} are `doubtful` than there are.")
        found[concept] = found[concept] + count if concept in found else count
        source |= {key: str(row[key]) for key in _SOURCE if key in row}
        counted = next(name for name in COUNT if name in row)
        source.setdefault("unit", _SAYS_UNIT.get(counted, ""))
    if not found:
        raise BadFile(f"{where} has no counts.")
    return _told(found, source)


def _told(by_concept: Mapping[str, Count], source: Mapping[str, str]) -> Counts:
    corpus, date, rule, unit = (source.get(key, "") for key in _SOURCE)
    return Counts(by_concept, corpus, date, rule, _UNITS.get(unit, unit))


def text_of(row: Cells, names: Iterable[str], where: str) -> str:
    """The text in the first of the columns `names` that `row` has; BadFile where it has none of them."""
    wanted = tuple(names)
    name = next((n for n in wanted if n in row), None)
    if name is None or not str(row[name]).strip():
        raise BadFile(f"{where} does not say which concept; add a column {wanted[0]}.")
    return from_text(str(row[name])).strip()


def number_of(row: Cells, names: Iterable[str], where: str, least: float = 0.0) -> float:
    """The number in the first of the columns `names` that `row` has; BadFile where there is none, or one that
    is not finite or below `least`."""
    wanted = tuple(names)
    name = next((n for n in wanted if n in row), None)
    if name is None:
        raise BadFile(f"{where} has no number in a column {wanted[0]}.")
    try:
        value = float(row[name])
    except (TypeError, ValueError, OverflowError):
        value = math.nan
    if not math.isfinite(value) or value < least or isinstance(row[name], bool):
        at_least = f" of {least:g} or more" if math.isfinite(least) else ""
        raise BadFile(f"{where}: {name} is {row[name]!r}, which is no number{at_least}.")
    return value


def _whole(row: Cells, name: str, where: str) -> int | None:
    if name not in row:
        return None
    value = number_of(row, (name,), where)
    if value != int(value):
        raise BadFile(f"{where}: {name} is {row[name]!r}, which is no whole number.")
    return int(value)


def _document(path: Path) -> Counts:
    """Counts with a head, in JSON or YAML."""
    try:
        text = read_text(path)
        held: Any = parse_json(text) if path.suffix.lower() == ".json" else parse_yaml(text)
    except (OSError, ValueError) as e:
        raise BadFile(f"{path} cannot be read as a file of counts ({first_line(e)}).") from e
    told = held.get("counts", held.get("characters")) if isinstance(held, dict) else None
    if isinstance(told, dict):
        told = [{"concept": k, **(v if isinstance(v, dict) else {"count": v})} for k, v in told.items()]
    if not isinstance(told, list) or not all(isinstance(row, dict) for row in told):
        raise BadFile(
            f"{path} is no file of counts; it should hold `counts`, a number by concept or a list of rows "
            f"(tables are read from {', '.join(ENDINGS)} files)."
        )
    found = counts_of(told, str(path))
    head = {key: str(held[key]) for key in _SOURCE if held.get(key) is not None}
    if str(held.get("format", "")).startswith("copycat counts"):
        # `copycat count` did not always write its usual unit.
        head.setdefault("unit", "captions")
    return _told(found.by_concept, {**{key: str(getattr(found, key)) for key in _SOURCE}, **head})


def _sum(a: int | None, b: int | None) -> int | None:
    return None if a is None or b is None else a + b
