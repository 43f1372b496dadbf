"""The registry of characters, and matching a judge's words to them."""

from __future__ import annotations

import os
import re
import string
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import (
    AliasChoices,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    field_serializer,
    model_serializer,
    model_validator,
)

from copycat.cards.catalog import Catalog
from copycat.errors import AmbiguousName, BadFile, UnknownName, UserError, first_line
from copycat.io.documents import parse_yaml, read_text
from copycat.io.paths import DATA, expand, locate
from copycat.records import Row


class LocatedPath(str):
    """An absolute path that remembers how the file it was read from writes it."""

    written: str

    @classmethod
    def read(cls, text: str, file: Path) -> LocatedPath:
        """What `file` calls `text`."""
        path = cls(locate(text, file))
        path.written = text
        return path

    @property
    def portable(self) -> str:
        """The relative path as it is written; the bare file name where that would tell of this machine."""
        path = Path(self.written)
        return path.name if path.is_absolute() or ".." in path.parts else self.written

    def seen_from(self, folder: Path) -> str:
        """The path from `folder`; of what lies in `data/` the path there, which is found from anywhere."""
        inside = Path(self).is_relative_to(DATA)
        return Path(os.path.relpath(self, DATA if inside else folder.resolve())).as_posix()


class Wording(Row):
    """Another wording of an attribute."""

    text: str
    generic: str
    """What may stand in for it; empty to drop it."""


class Attribute(Row):
    """A give-away attribute and the generic words that may stand in for it."""

    text: str
    generic: str
    """Replacement for a rewriter; empty to drop the attribute."""
    also: tuple[Wording, ...] = ()
    """Other wordings. In a file they may be plain words, which `generic` stands in for, and pairs
    `{wording: replacement}`."""

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, row: Any) -> Any:
        if not isinstance(row, dict) or "also" not in row:
            return row
        return {**row, "also": [_wording(w, row.get("generic", "")) for w in row["also"] or ()]}

    @model_serializer(mode="wrap")
    def _without_nothing(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # As attributes were written before they had other wordings.
        return {k: v for k, v in dump(self).items() if k != "also" or v}


def _wording(told: Any, generic: str) -> Any:
    """What a file says of another wording, in full."""
    if isinstance(told, str):
        return {"text": told, "generic": generic}
    if isinstance(told, dict) and len(told) == 1:
        return dict(zip(("text", "generic"), *told.items(), strict=True))
    return told


class Origin(Row):
    """Where a character first appeared."""

    work: str
    medium: str
    """For instance film, television, comic, book, video game, toy."""
    country: str
    """ISO 3166 code of two letters."""
    year: int
    """Of first publication."""


class Character(Row):
    """One protected character, or another subject that its registry has a noun for."""

    slug: str
    """Identity in the registry."""
    name: str
    """As people call it."""
    aliases: tuple[str, ...] = ()
    """Other names."""
    names: dict[str, str] = Field(default_factory=dict)
    """Names in other languages, by ISO 639-1 code, where they differ from `name`."""
    common_words: tuple[str, ...] = ()
    """Names of it that are words of the language too, such as "piglet": written as a word they mean the
    thing."""
    namesakes: tuple[str, ...] = ()
    """Names of others that hold one of its own, such as "Baby Yoda": they are not it."""
    owner: str
    """Who holds the rights; of an invented character the invented studio."""
    origin: Origin | None = None
    """Where it first appeared; None where that is unknown."""
    public_domain: str = ""
    """What of the character is free of copyright, where that is so, e.g. an early version."""
    key: str = ""
    """Key characteristic for CONS, e.g. "owl"; true of the character, and visible. Empty: it is not asked."""
    key_given_up: str = ""
    """Why a rewriter cannot keep all words of `key`: they are themselves what gives the character away."""
    generic: str
    """What a rewriter puts in place of the name, e.g. "an owl"; it says what `key` asks for."""
    attributes: tuple[Attribute, ...] = Field(
        default=(), validation_alias=AliasChoices("attributes", "marks")
    )
    """Distinguishing attributes, and the words that may stand in for them."""
    giveaways: tuple[str, ...] = ()
    """Keywords that tell of the character without describing it, such as side figures and catchwords: a
    rewriter drops them from a list."""
    lookalikes: tuple[str, ...] = ()
    """Descriptions of figures that share species and colour but are not the character."""
    keywords: tuple[str, ...] = ()
    """Words that go with the character, most telling first."""
    references: tuple[str, ...] = ()
    """Reference pictures; absolute paths once a registry was read, written out as its file has them."""
    training_images: int | None = None
    """How many pictures of it the model was trained on, where that is known."""

    @field_serializer("references")
    def _portable(self, paths: tuple[str, ...]) -> list[str]:
        return [p.portable if isinstance(p, LocatedPath) else p for p in paths]

    @property
    def spoken(self) -> tuple[str, ...]:
        """Everything it is called: name, aliases, names in other languages."""
        return self.name, *self.aliases, *self.names.values()


def normalise(text: str) -> str:
    """Case-folded NFKC text without accents or punctuation, single spaces."""
    return " ".join(re.sub(r"[^\w]+", " ", unaccented(text)).split())


def unaccented(text: str) -> str:
    """Case-folded NFKD text without accents."""
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def _folded(name: str) -> str:
    """`name` as two spellings of it are alike; of signs alone, such as "★", the signs."""
    return normalise(name) or unicodedata.normalize("NFKC", name).casefold().strip()


def with_article(noun: str) -> str:
    """`noun` with "a" or "an", unless it has an article already."""
    if re.match(r"(?:an?|the)\s", noun, re.IGNORECASE):
        return noun
    return f"{'an' if noun[:1].lower() in set('aeiou') else 'a'} {noun}"


CHARACTER = "character"
"""What subjects are called where their registry does not say."""
_PLACEHOLDERS = {
    "identify": {"noun"},
    "verify": {"noun", "name"},
    "key": {"noun", "name", "key"},
    "content": {"noun", "name", "item"},
}
_NEEDED = {"verify": "name", "key": "key", "content": "item"}
"""Without which a question would be the same about everybody."""


def check_questions(questions: Mapping[str, str]) -> None:
    """Raise ValueError for a template of no kind of question, or that cannot be filled in."""
    for kind, template in questions.items():
        if kind not in _PLACEHOLDERS:
            raise ValueError(f"questions: {kind!r} is none of {', '.join(_PLACEHOLDERS)}")
        if not isinstance(template, str) or not template.strip():
            raise ValueError(f"questions: {kind} is no text")
        try:
            fields = [field for field in string.Formatter().parse(template) if field[1] is not None]
        except ValueError as e:
            raise ValueError(f"questions: {kind}: {e}") from e
        for _, placeholder, specification, conversion in fields:
            if placeholder not in _PLACEHOLDERS[kind] or specification or conversion:
                known = ", ".join(f"{{{p}}}" for p in sorted(_PLACEHOLDERS[kind]))
                raise ValueError(f"questions: {kind} takes {known}, not {{{placeholder}}}")
        needed = _NEEDED.get(kind)
        if needed and needed not in {f[1] for f in fields}:
            raise ValueError(f"questions: {kind} must say {{{needed}}}")


class Registry:
    """Characters of one world, by slug; finds their names in text on word boundaries.

    `protected` says whether somebody holds rights in them, `noun` what one of them is called in questions
    and messages, `questions` how a judge is asked, where that differs from the usual: a template by kind of
    question (`identify`, `verify`, `key`, `content`) with the placeholders {noun}, {name}, {key} and {item}.
    `counts` are paths of files that say how often a corpus names its characters (`subjects/counts.py`).
    Raises ValueError for other kinds and placeholders, and for an empty noun.
    """

    def __init__(
        self,
        name: str,
        version: int,
        characters: Iterable[Character],
        *,
        protected: bool = True,
        noun: str = CHARACTER,
        questions: Mapping[str, str] | None = None,
        counts: Iterable[str] = (),
    ) -> None:
        self.name, self.version = name, version
        self.protected = protected
        if not isinstance(noun, str) or not noun.strip():
            raise ValueError(f"noun is a word such as {CHARACTER!r}, not {noun!r}")
        self.noun: str = noun.strip()
        self.questions: Mapping[str, str] = dict(questions or {})
        check_questions(self.questions)
        self.counts = tuple(counts)
        self.characters = tuple(characters)
        self._by_slug = {c.slug: c for c in self.characters}

    def __len__(self) -> int:
        return len(self.characters)

    def __getitem__(self, slug: str) -> Character:
        try:
            return self._by_slug[slug]
        except KeyError:
            raise UnknownName(self.noun, slug, self._by_slug) from None

    def wording(self, kind: str, default: str) -> str:
        """The registry's template for questions of `kind`; `default` where it has none."""
        return self.questions.get(kind, default)

    @cached_property
    def _names(self) -> dict[str, list[tuple[tuple[str, ...], str]]]:
        """Every name as words with its slug, by the first word."""
        names: dict[str, list[tuple[tuple[str, ...], str]]] = {}
        for c in self.characters:
            for words in {tuple(normalise(n).split()) for n in c.spoken} - {()}:
                names.setdefault(words[0], []).append((words, c.slug))
        return names

    def mentioned(self, text: str) -> frozenset[str]:
        """Slugs of all characters whose name or alias stands in `text` as whole words."""
        words = tuple(normalise(text).split())
        return frozenset(
            slug
            for i, word in enumerate(words)
            for name, slug in self._names.get(word, ())
            if words[i : i + len(name)] == name
        )

    def called(self, name: str) -> tuple[Character, ...]:
        """All whom `name` may mean, in the registry's order; none, one or several.

        The one whose slug it is, letter for letter; else all whose name it is, letter for letter; else all
        who go by it as slug, name, alias or name in another language, in any case and accents.
        """
        if name in self._by_slug:
            return (self._by_slug[name],)
        named = tuple(c for c in self.characters if c.name == name)
        return named or tuple(self._by_slug[slug] for slug in self._spoken.get(_folded(name), ()))

    @cached_property
    def _spoken(self) -> dict[str, dict[str, None]]:
        """Slugs by every way in which somebody is called, folded; in the registry's order."""
        spoken: dict[str, dict[str, None]] = {}
        for c in self.characters:
            for name in (c.slug, *c.spoken):
                spoken.setdefault(_folded(name), {})[c.slug] = None
        spoken.pop("", None)
        return spoken

    def find(self, name: str) -> Character:
        """The one character that `name` means; see :meth:`called`. Every name that a user, a table or a file
        of labels gives goes through here. Raises UnknownName where it means nobody, and AmbiguousName, which
        names them all, where it means several."""
        found = self.called(name)
        if not found:
            raise UnknownName(self.noun, name, self._by_slug)
        if len(found) > 1:
            raise AmbiguousName(self.noun, name, (c.slug for c in found))
        return found[0]

    def select(self, wanted: Iterable[str] | None) -> tuple[Character, ...]:
        """Characters by slug, name or alias, each once, as :meth:`find` finds them; all of them for None."""
        if wanted is None:
            return self.characters
        return tuple({c.slug: c for c in map(self.find, wanted)}.values())


def read_registry(path: Path) -> Registry:
    """The registry in the file `path`, read once as long as the file does not change. Raises BadFile for one
    that is none."""
    try:
        now = path.stat()
    except (OSError, ValueError) as e:
        raise BadFile(f"{path} is not a character registry ({first_line(e)}).") from e
    return _parsed(path, (now.st_size, now.st_mtime_ns, now.st_ctime_ns, now.st_ino))


@lru_cache(maxsize=8)
def _parsed(path: Path, stamp: tuple[int, ...]) -> Registry:  # noqa: ARG001
    """`stamp` is in the key only, so that a changed file is read anew."""
    try:
        raw: dict[str, Any] = parse_yaml(read_text(path))
        characters = [locate_references(Character.model_validate(c), path) for c in raw["characters"]]
        # What a registry does not say is taken to be protected: its pictures are then withheld.
        protected = raw.get("protected", True)
        if not isinstance(protected, bool):
            raise ValueError(f"protected is true or false, not {protected!r}")
        questions = raw.get("questions") or {}
        if not isinstance(questions, dict):
            raise ValueError("questions holds a text by kind of question")
        counts = raw.get("counts") or []
        if not isinstance(counts, list) or not all(isinstance(c, str) for c in counts):
            raise ValueError("counts holds a list of counts files")
        registry = Registry(
            str(raw["registry"]),
            int(raw["version"]),
            characters,
            protected=protected,
            noun=raw.get("noun", CHARACTER),
            questions=questions,
            counts=[LocatedPath.read(c, path) for c in counts],
        )
    except (OSError, yaml.YAMLError, ValidationError, KeyError, TypeError, ValueError) as e:
        raise BadFile(f"{path} is not a character registry ({first_line(e)}).") from e
    if len(registry._by_slug) != len(registry):
        raise UserError(f"{path} lists a slug twice; slugs must be unique.")
    return registry


def locate_references(character: Character, file: Path) -> Character:
    """`character` as `file` describes it, with absolute paths of its reference pictures."""
    references = tuple(LocatedPath.read(r, file) for r in character.references)
    return character.model_copy(update={"references": references}) if references else character


CATALOG: Catalog[Registry] = Catalog(
    "characters", singular="character registry", folder=DATA / "characters", parse=read_registry
)


def load_registry(name_or_path: str) -> Registry:
    """A registry by its name in the catalogue, or by the path of its YAML file.

    Raises UnknownName for an unknown name and BadFile for a file that is not a registry.
    """
    path = expand(name_or_path)
    return read_registry(path) if path.suffix in {".yaml", ".yml"} else CATALOG.get(name_or_path)


def registry_yaml(registry: Registry, folder: Path | None = None) -> str:
    """`registry` as a file that `load_registry` reads.

    With `folder`, where the file is to lie, its reference pictures are found from there; else their paths are
    those of the file that it was read from, and tell nothing of this machine.
    """
    body: dict[str, Any] = {
        "registry": registry.name,
        "version": registry.version,
        "protected": registry.protected,
    }
    if registry.noun != CHARACTER:
        body["noun"] = registry.noun
    if registry.questions:
        body["questions"] = dict(registry.questions)
    if registry.counts:
        body["counts"] = _paths(registry.counts, folder)
    body["characters"] = [_told(c, folder) for c in registry.characters]
    return str(yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=110))


def _told(character: Character, folder: Path | None) -> dict[str, Any]:
    told = character.model_dump(mode="json", exclude_defaults=True)
    if folder and character.references:
        told["references"] = _paths(character.references, folder)
    return told


def _paths(paths: Iterable[str], folder: Path | None) -> list[str]:
    """`paths` as a file writes them that is to lie in `folder`; see :func:`registry_yaml`."""
    return [
        p if not isinstance(p, LocatedPath) else p.seen_from(folder) if folder else p.portable for p in paths
    ]
