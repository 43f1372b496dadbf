"""How close every text comes to its work, and the best of the samples of each prompt."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from copycat.verbatim.text.documents import Document
from copycat.verbatim.text.metrics import Closeness, PassageIndex, Run, Words, closeness
from copycat.verbatim.text.prompts import Prompting
from copycat.verbatim.text.rows import Asked, Written
from copycat.verbatim.text.rungs import rung_of
from copycat.verbatim.text.tokens import word_tokens

_KEPT = 64
"""Indices of documents that are kept for the next prompt."""


@dataclass(frozen=True)
class Scored:
    """One text with its measures."""

    asked: Asked
    written: Written
    close: Closeness | None
    """None for a text that was refused or failed; a withheld one gives nothing back, so all is 0."""

    @property
    def rung(self) -> str:
        """Of the ladder; empty below it."""
        return "" if self.close is None else rung_of(self.close.substring)


@dataclass(frozen=True)
class Best:
    """What the samples of one prompt under one mitigation come to: each measure's largest."""

    asked: Asked
    """The first sample's."""
    samples: tuple[Scored, ...]
    close: Closeness | None
    """None where no sample was answered."""

    @property
    def shown(self) -> int:
        """Words that the prompt shows, by which the measures are divided to be normalised."""
        return self.asked.end - self.asked.begin

    @property
    def room(self) -> int:
        """Tokens that its texts may have: as many as were asked for, or fewer for want of context."""
        return max((s.written.most for s in self.samples if s.written.most), default=self.asked.max_tokens)


NOTHING = Closeness(0, 0, 0.0)


class Scorer:
    """Measures texts against the documents that their prompts are from."""

    def __init__(self, documents: Iterable[Document], promptings: Mapping[str, Prompting]) -> None:
        self._documents = {d.id: d for d in documents}
        self._promptings = promptings
        self._parts = lru_cache(_KEPT)(self._made_parts)

    def score(self, asked: Asked, written: Written) -> Scored:
        """With its measures."""
        if written.outcome == "withheld":
            return Scored(asked, written, NOTHING)
        if written.outcome != "ok":
            return Scored(asked, written, None)
        after, index = self._of(asked)
        return Scored(asked, written, closeness(self.words(asked, written), after, index))

    def words(self, asked: Asked, written: Written) -> Words:
        """Of a text, as they are compared."""
        return word_tokens(self._fold(asked)(delivered(written)))

    def run(self, asked: Asked, written: Written) -> Run:
        """The longest run of a text in its document, without what the prompt shows: work 0 is what stands
        before that, work 1 what follows it."""
        return self._of(asked)[1].longest(self.words(asked, written))

    def _fold(self, asked: Asked) -> Callable[[str], str]:
        return self._promptings[asked.prompts].fold

    def _of(self, asked: Asked) -> tuple[Words, PassageIndex]:
        return self._parts(asked.document, asked.begin, asked.end, asked.prompts)

    def _made_parts(self, document: str, begin: int, end: int, prompts: str) -> tuple[Words, PassageIndex]:
        # A model that repeats its prompt gives nothing back that was not given to it.
        tokens = self._documents[document].tokens
        fold = self._promptings[prompts].fold
        same = fold(tokens.text) == tokens.text
        before, after = tokens.words[:begin], tokens.words[end:]
        if not same:
            before = word_tokens(fold(tokens.cut(0, begin)))
            after = word_tokens(fold(tokens.cut(end, len(tokens))))
        return after, PassageIndex([before, after])


def delivered(written: Written) -> str:
    """A text as it is compared: translated back where it was a translation."""
    return written.text if written.restored is None else written.restored


def best_of(scored: Sequence[Scored]) -> list[Best]:
    """Of each prompt under each mitigation, in the order of the first samples."""
    found: dict[tuple[object, ...], list[Scored]] = defaultdict(list)
    for s in scored:
        found[(s.asked.role, s.asked.mitigation, *s.asked.place)].append(s)
    return [Best(some[0].asked, tuple(some), _largest(some)) for some in found.values()]


def _largest(some: Sequence[Scored]) -> Closeness | None:
    known = [s.close for s in some if s.close is not None]
    if not known:
        return None
    return Closeness(
        max(c.prefix for c in known), max(c.substring for c in known), max(c.similarity for c in known)
    )
