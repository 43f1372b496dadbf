"""The registry of characters, and matching a judge's words to them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from copycat.errors import BadFile, UnknownName, UserError
from copycat.paths import DATA


class Mark(BaseModel):
    """A give-away attribute and the generic words that may stand in for it."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    text: str
    generic: str
    """Replacement for a rewriter; empty to drop the mark."""


class Origin(BaseModel):
    """Where a character first appeared."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    work: str
    medium: str
    """For instance film, television, comic, book, video game, toy."""
    country: str
    """ISO 3166 code of two letters."""
    year: int
    """Of first publication."""


class Character(BaseModel):
    """One protected character."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    slug: str
    name: str
    aliases: tuple[str, ...] = ()
    names: dict[str, str] = Field(default_factory=dict)
    """Names in other languages, by ISO 639-1 code, where they differ from `name`."""
    owner: str
    origin: Origin | None = None
    public_domain: str = ""
    """What of the character is free of copyright, where that is so, e.g. an early version."""
    key: str
    """Key characteristic for CONS, e.g. "owl"; true of the character, and visible."""
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

    @property
    def spoken(self) -> tuple[str, ...]:
        """Everything it is called: name, aliases, names in other languages."""
        return self.name, *self.aliases, *self.names.values()


def normalise(text: str) -> str:
    """Case-folded NFKC text without accents or punctuation, single spaces."""
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    bare = "".join(c for c in decomposed if not unicodedata.combining(c))
    return " ".join(re.sub(r"[^\w]+", " ", bare).split())


class Registry:
    """Characters of one world, by slug; finds their names in text on word boundaries."""

    def __init__(
        self, name: str, version: int, characters: Iterable[Character], *, protected: bool = True
    ) -> None:
        self.name, self.version = name, version
        self.protected = protected
        """Whether somebody holds rights in the characters; False for invented ones."""
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
    def _names(self) -> dict[str, list[tuple[tuple[str, ...], str]]]:
        """Every name as words with its slug, by the first word."""
        names: dict[str, list[tuple[tuple[str, ...], str]]] = {}
        for c in self.characters:
            for words in {tuple(normalise(n).split()) for n in c.spoken} - {()}:
                names.setdefault(words[0], []).append((words, c.slug))
        return names

    @cached_property
    def owner_words(self) -> frozenset[str]:
        """The owners' names, normalised, and their words of more than one letter."""
        names = {normalise(c.owner) for c in self.characters}
        return frozenset(names | {w for n in names for w in n.split() if len(w) > 1})

    def mentioned(self, text: str) -> frozenset[str]:
        """Slugs of all characters whose name or alias stands in `text` as whole words."""
        words = tuple(normalise(text).split())
        return frozenset(
            slug
            for i, word in enumerate(words)
            for name, slug in self._names.get(word, ())
            if words[i : i + len(name)] == name
        )

    def select(self, wanted: Iterable[str] | None) -> tuple[Character, ...]:
        """Characters by slug, name or alias; all of them for None. Unknown ones raise UnknownName."""
        if wanted is None:
            return self.characters
        lookup = {normalise(n): c for c in self.characters for n in (c.slug, *c.spoken)}
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
        # What a registry does not say is taken to be protected: its pictures are then withheld.
        protected = raw.get("protected", True)
        if not isinstance(protected, bool):
            raise ValueError(f"protected is true or false, not {protected!r}")
        registry = Registry(str(raw["registry"]), int(raw["version"]), characters, protected=protected)
    except (OSError, yaml.YAMLError, ValidationError, KeyError, TypeError, ValueError) as e:
        first = str(e).strip().splitlines()[0] if str(e).strip() else type(e).__name__
        raise BadFile(f"{path} is not a character registry ({first}).") from e
    if len(registry._by_slug) != len(registry):
        raise UserError(f"{path} lists a slug twice; slugs must be unique.")
    return registry
