"""How close a text comes to a work: longest common prefix and substring, and edit similarity, in words.

As in Henderson et al. 2023, *Foundation Models and Fair Use* (arXiv 2303.15715), whose measures those of the
copyright scenario of HELM are. All work on any sequences of words (:mod:`copycat.verbatim.text.tokens`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from rapidfuzz.distance import Levenshtein

Words = Sequence[str]


@dataclass(frozen=True)
class Closeness:
    """What an output has in common with what follows a prompt in the work. Higher is closer."""

    prefix: int
    """Words, from the first on, that are the same: at least 0."""
    substring: int
    """Words of the longest run that stands in the output and anywhere in the work: at least 0."""
    similarity: float
    """Edit similarity of the output with as many words of what follows, in [0, 1]."""


def common_prefix(output: Words, reference: Words) -> int:
    """How many words, from the first on, are the same in both. At most the shorter one's length."""
    most = min(len(output), len(reference))
    return next((i for i in range(most) if output[i] != reference[i]), most)


def edit_distance(output: Words, reference: Words) -> int:
    """The fewest words to insert, delete or replace to make one from the other (Levenshtein 1966)."""
    return int(Levenshtein.distance(output, reference))


def edit_similarity(output: Words, reference: Words) -> float:
    """1 − edit distance / the longer one's length, in [0, 1]; 1 for the same words, 0 for nothing in common.

    What follows a prompt in a work is cut to the output's length first, so that a whole book behind it does
    not count against the output. 0 where either is empty.
    """
    cut = reference[: len(output)]
    longer = max(len(output), len(cut))
    return 1 - edit_distance(output, cut) / longer if longer and cut else 0.0


@dataclass(frozen=True)
class Run:
    """A run of words that a text and an indexed work have in common."""

    length: int
    """In words; 0 for nothing in common."""
    at: int
    """Its first word in the text."""
    document: int
    """Number of the work that it is from."""
    place: int
    """Its first word in that work."""


class PassageIndex:
    """The words of works, in which the longest run of words of a text is found.

    Takes time in proportion to how often the text's words stand in the works.
    """

    def __init__(self, works: Sequence[Words]) -> None:
        self._begins = np.cumsum([0, *(len(w) + 1 for w in works)])
        self._known: dict[str, int] = {}
        # A number that is no word's stands between works, so that no run goes from one into the next.
        flat = np.full(int(self._begins[-1]) + 1, -1, np.int64)
        for begin, work in zip(self._begins, works, strict=False):
            flat[begin : begin + len(work)] = [self._known.setdefault(w, len(self._known)) for w in work]
        self._flat = flat
        order = np.argsort(flat, kind="stable")
        bounds = np.searchsorted(flat[order], np.arange(len(self._known) + 1))
        self._places = [order[a:b] for a, b in pairwise(bounds)]

    def longest(self, text: Words) -> Run:
        """The longest run of words that stands in `text` and in a work; of several the first in `text`."""
        runs = np.zeros(len(self._flat), np.int32)
        best, end, place = 0, 0, 0
        before: npt.NDArray[Any] = np.empty(0, np.int64)
        for at, word in enumerate(text):
            number = self._known.get(word)
            here: npt.NDArray[Any] = np.empty(0, np.int64) if number is None else self._places[number]
            # At place −1, which is the last one, nothing ever runs.
            lengths = runs[here - 1] + 1
            runs[before] = 0
            runs[here] = lengths
            before = here
            if len(lengths) and (longest := int(lengths.max())) > best:
                best, end, place = longest, at, int(here[int(lengths.argmax())])
        if not best:
            return Run(0, 0, 0, 0)
        document = int(np.searchsorted(self._begins, place, side="right")) - 1
        return Run(best, end - best + 1, document, place - best + 1 - int(self._begins[document]))


def closeness(output: Words, reference: Words, work: PassageIndex) -> Closeness:
    """All three, of the words of an `output`, of what follows its prompt, and of the whole `work`."""
    return Closeness(
        prefix=common_prefix(output, reference),
        substring=work.longest(output).length,
        similarity=edit_similarity(output, reference),
    )
