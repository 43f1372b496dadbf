"""What is counted of captions: who is named in how many, by which name, beside which words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from copycat.counting.names import Names, Occurrences
from copycat.counting.text import Joined, joined, pieces
from copycat.counting.words import Words

Counts = npt.NDArray[np.int64]
_AT_ONCE = 8_192
"""Captions that are normalised together, fewer where they are long, so that they stay in a processor's cache
even where every caption has to be normalised."""


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
    words: Words = field(default_factory=Words)
    """That name a concept and hold a word."""

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
        for _, piece in pieces(near, _AT_ONCE):
            for found in joined(piece):
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
        here, number = np.unique(pairs // people, return_inverse=True)
        texts = [caption_at(text, ends, i).strip(b" ") for i in here.tolist()]
        self.words.add(texts, number, concept)


def caption_at(text: bytes, ends: npt.NDArray[np.intp], number: int) -> bytes:
    """The caption of that number, with the space around it."""
    return text[int(ends[number - 1]) + 1 if number else 0 : int(ends[number])]
