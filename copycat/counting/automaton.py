"""What finds many words in a text with one look at each byte."""

from __future__ import annotations

from collections.abc import Collection
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from copycat.errors import require

_DENSE = 200_000
"""Bytes of words up to which the automaton is a table, which is fastest; one of more would be too large."""


class Automaton:
    """Finds `words` in a text, also where they overlap. Needs the package ahocorasick-rs; raises
    MissingRequirement without it."""

    def __init__(self, words: Collection[bytes]) -> None:
        package = require("ahocorasick_rs", "ahocorasick-rs>=1.0", "Counting captions")
        dense = sum(map(len, words)) <= _DENSE
        kind = package.Implementation.DFA if dense else package.Implementation.ContiguousNFA
        self._search: Any = package.BytesAhoCorasick(list(words), implementation=kind)

    def find(self, text: bytes | bytearray) -> npt.NDArray[np.int64]:
        """The number of each word that is found, its start and its end, by their ends; shape (3, found)."""
        found = self._search.find_matches_as_indexes(text, overlapping=True)
        return np.fromiter(chain.from_iterable(found), np.int64, 3 * len(found)).reshape(-1, 3).T
