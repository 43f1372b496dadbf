"""The registry of characters, and matching a judge's words to them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from copycat.errors import BadFile, UnknownName, UserError
from copycat.paths import DATA


class Mark(BaseModel):
    """A give-away attribute and the generic words that may stand in for it."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    text: str
    generic: str
    """Replacement for a rewriter; empty to drop the mark."""


class Character(BaseModel):
    """One protected character."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    slug: str
    name: str
    aliases: tuple[str, ...] = ()
    owner: str
    key: str
    """Key characteristic for CONS, e.g. "owl"."""
    generic: str
    """What a rewriter puts in place of the name, e.g. "an owl"."""
    marks: tuple[Mark, ...] = ()
    lookalikes: tuple[str, ...] = ()
    """Descriptions of figures that share species and colour but are not the character."""
    keywords: tuple[str, ...] = ()
    """Words that go with the character, most telling first."""
    references: tuple[str, ...] = ()
    """Reference pictures, relative to the data folder."""
    training_images: int | None = None
    """How many pictures of it the model was trained on, where that is known."""


def normalise(text: str) -> str:
    """Case-folded NFKC text without accents or punctuation, single spaces."""
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    bare = "".join(c for c in decomposed if not unicodedata.combining(c))
    return " ".join(re.sub(r"[^\w]+", " ", bare).split())


class Registry:
    """Characters of one world, by slug; finds their names in text on word boundaries."""

    def __init__(self, name: str, version: int, characters: Iterable[Character]) -> None:
        self.name, self.version = name, version
        self.characters = tuple(characters)
        self._by_slug = {c.slug: c for c in self.characters}

    def __len__(self) -> int:
        return len(self.characters)

    def __getitem__(self, slug: str) -> Character:
        try:
            return self._by_slug[slug]
        except KeyError:
            raise UnknownName("character", slug, self._by_slug) from None

    @cached_property
    def _patterns(self) -> dict[str, re.Pattern[str]]:
        def pattern(c: Character) -> re.Pattern[str]:
            names = sorted({normalise(n) for n in (c.name, *c.aliases)}, key=len, reverse=True)
            return re.compile(r"\b(?:" + "|".join(map(re.escape, names)) + r")\b")

        return {c.slug: pattern(c) for c in self.characters}

    def mentioned(self, text: str) -> frozenset[str]:
        """Slugs of all characters whose name or alias stands in `text` as whole words."""
        plain = normalise(text)
        return frozenset(slug for slug, p in self._patterns.items() if p.search(plain))

    def select(self, wanted: Iterable[str] | None) -> tuple[Character, ...]:
        """Characters by slug, name or alias; all of them for None. Unknown ones raise UnknownName."""
        if wanted is None:
            return self.characters
        lookup = {normalise(n): c for c in self.characters for n in (c.slug, c.name, *c.aliases)}
        chosen: dict[str, Character] = {}
        for w in wanted:
            if normalise(w) not in lookup:
                raise UnknownName("character", w, [c.slug for c in self.characters])
            chosen[lookup[normalise(w)].slug] = lookup[normalise(w)]
        return tuple(chosen.values())


def load_registry(name_or_path: str, folder: Path = DATA / "characters") -> Registry:
    """Read `folder/NAME.yaml`, or the file itself when a path is given.

    Raises UnknownName for an unknown name and BadFile for a file that is not a registry.
    """
    given = Path(name_or_path)
    if given.suffix in {".yaml", ".yml"}:
        path = given
    else:
        path = folder / f"{name_or_path}.yaml"
        if not path.is_file():
            raise UnknownName("character registry", name_or_path, [p.stem for p in folder.glob("*.yaml")])
    try:
        raw: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
        characters = [Character.model_validate(c) for c in raw["characters"]]
        registry = Registry(str(raw["registry"]), int(raw["version"]), characters)
    except (OSError, yaml.YAMLError, ValidationError, KeyError, TypeError, ValueError) as e:
        first = str(e).strip().splitlines()[0] if str(e).strip() else type(e).__name__
        raise BadFile(f"{path} is not a character registry ({first}).") from e
    if len(registry._by_slug) != len(registry):
        raise UserError(f"{path} lists a slug twice; slugs must be unique.")
    return registry
