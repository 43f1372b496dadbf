"""What is counted of captions: who is named in how many, by which name, beside which words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from copycat.counting.names import Names, Occurrences
from copycat.counting.text import Joined, joined

Counts = npt.NDArray[np.int64]


@dataclass
class Tally:
    """Numbers of captions, to which more are added."""

    names: Names
    captions: int = 0
    """Read, empty ones left out."""
    undecodable: int = 0
    """Of these, those that hold bytes that are no UTF-8."""
    named: Counts = field(init=False)
    """That name each concept; shape (concepts,)."""
    doubtful: Counts = field(init=False)
    """Of these, those in which every name of it is a word of the language or part of a namesake's name."""
    by_name: Counts = field(init=False)
    """That hold each spelling; shape (spellings,). Of a namesake 0, unless it is somebody's name."""
    words: dict[int, Counter[str]] = field(default_factory=dict)
    """That name a concept and hold a word, by the concept's number."""
    pairs: int = 0
    """How many numbers `words` holds."""

    def __post_init__(self) -> None:
        people, spellings = len(self.names.concepts), len(self.names.spellings)
        self.named, self.doubtful = np.zeros(people, np.int64), np.zeros(people, np.int64)
        self.by_name = np.zeros(spellings, np.int64)

    def add(self, captions: pa.Array) -> None:
        """Add `captions`, large_binary without nulls and empty ones."""
        for found, ends, seen in self.look(captions):
            self.add_named(found.text, ends, seen)

    def look(self, captions: pa.Array) -> Iterator[tuple[Joined, npt.NDArray[np.intp], Occurrences]]:
        """Add `captions` to the number read, but count no name. All that name somebody, and some others, are
        yielded as joined texts, with where each caption ends and the names found."""
        self.captions += len(captions)
        near = captions.take(pa.array(self.names.sieve.near(captions)))
        for found in joined(near):
            self.undecodable += found.undecodable
            ends = found.ends()
            yield found, ends, self.names.find(found.text, ends)

    def add_named(self, text: bytes, ends: npt.NDArray[np.intp], seen: Occurrences) -> None:
        """Add the captions of `text` in which `seen` was found."""
        if not len(seen.caption):
            return
        people, spellings = len(self.names.concepts), len(self.names.spellings)
        pair = seen.caption * people + seen.concept
        pairs, inverse = np.unique(pair, return_inverse=True)
        plain = np.zeros(len(pairs), bool)
        plain[inverse[seen.plain]] = True
        concept = pairs % people
        self.named += np.bincount(concept, minlength=people)
        self.doubtful += np.bincount(concept[~plain], minlength=people)
        spelt = np.unique(seen.caption * spellings + seen.name) % spellings
        self.by_name += np.bincount(spelt, minlength=spellings)
        self._add_words(text, ends, pairs // people, concept)

    def _add_words(self, text: bytes, ends: npt.NDArray[np.intp], captions: Counts, whose: Counts) -> None:
        here = {i: set(caption_at(text, ends, i).decode().split()) for i in np.unique(captions).tolist()}
        # One concept after the other, since adding to a counter costs most at the first word.
        order = np.argsort(whose, kind="stable")
        each, first = np.unique(whose[order], return_index=True)
        for concept, some in zip(each.tolist(), np.split(captions[order], first[1:]), strict=True):
            mine = self.words.setdefault(concept, Counter())
            known = len(mine)
            mine.update(chain.from_iterable(here[i] for i in some.tolist()))
            self.pairs += len(mine) - known

    def take_words(self) -> Iterator[tuple[int, Counter[str]]]:
        """The counts of words so far, by concept, which are then forgotten."""
        for concept in sorted(self.words):
            yield concept, self.words.pop(concept)
        self.pairs = 0


def caption_at(text: bytes, ends: npt.NDArray[np.intp], number: int) -> bytes:
    """The caption of that number, with the space around it."""
    return text[int(ends[number - 1]) + 1 if number else 0 : int(ends[number])]
