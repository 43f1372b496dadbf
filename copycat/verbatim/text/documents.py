"""Texts and programs that a model may give back, and collections of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Self

from copycat.records import Row, digest
from copycat.verbatim.text.tokens import Tokens, tokenize

Kind = Literal["text", "code"]


class Document(Row):
    """One work, chapter or source file."""

    title: str
    text: str
    group: str = ""
    """The set that tables show it under: a book, a folder, or how often it was in training data."""
    kind: Kind = "text"
    source: str = ""
    """Where it is from."""
    licence: str = "unknown"

    @cached_property
    def id(self) -> str:
        """Content hash of title and text."""
        return digest([self.title, self.text])

    @cached_property
    def tokens(self) -> Tokens:
        """Its words."""
        return tokenize(self.text)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        made = super().model_copy(update=update, deep=deep)
        # What was worked out of the old text does not hold for another.
        for name in ("id", "tokens"):
            made.__dict__.pop(name, None)
        return made


@dataclass(frozen=True)
class Skipped:
    """A file, or a line of one, that could not be read."""

    where: str
    why: str


@dataclass(frozen=True)
class Corpus:
    """Documents, and what was to be among them and could not be read."""

    name: str
    documents: tuple[Document, ...]
    skipped: tuple[Skipped, ...] = ()

    @property
    def words(self) -> int:
        """In all documents together."""
        return sum(len(d.tokens) for d in self.documents)
