"""The words beside each concept: kept as the captions they stand in, and counted when they are many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Numbers = npt.NDArray[np.int64]
SCHEMA = pa.schema([("concept", pa.int32()), ("word", pa.large_string()), ("captions", pa.int64())])

_AT_ONCE = 2**20
"""Bytes of captions whose words are counted together; a caption that is longer is counted by itself."""


class Words:
    """Captions that name a concept, of which the words are counted, each once a caption."""

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self._texts: list[bytes] = []
        self._caption: list[Numbers] = []
        self._concept: list[Numbers] = []
        self.size = 0
        """Bytes of text, as often as it is beside a concept."""

    def add(self, texts: Sequence[bytes], caption: Numbers, concept: Numbers) -> None:
        """Add normalised captions, words with one space between them. Each names somebody: `caption`, rising,
        says by their numbers which of them names which `concept`."""
        self._caption.append(caption + len(self._texts))
        self._concept.append(concept)
        self._texts.extend(texts)
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        self.size += int(lengths[caption].sum())

    def take(self) -> Iterator[pa.Table]:
        """In how many of the captions of each concept each word stands, in tables that are each sorted by
        concept; the captions are forgotten then."""
        if self._texts:
            texts, caption, concept = (
                self._texts,
                np.concatenate(self._caption),
                np.concatenate(self._concept),
            )
            self._forget()
            lengths = np.fromiter(map(len, texts), np.int64, len(texts))
            # Captions rise, so each piece is of captions that follow one another.
            piece = np.cumsum(lengths[caption]) // _AT_ONCE
            cuts = np.flatnonzero(np.diff(piece)) + 1
            for some, whose in zip(np.split(caption, cuts), np.split(concept, cuts), strict=True):
                low = int(some[0])
                yield _counted(texts[low : int(some[-1]) + 1], some - low, whose)


def _counted(texts: Sequence[bytes], caption: Numbers, concept: Numbers) -> pa.Table:
    split = pc.split_pattern(pa.array(texts, pa.large_binary()).cast(pa.large_string()), " ")
    coded = split.flatten().dictionary_encode()
    vocabulary = len(coded.dictionary)
    inside = np.repeat(np.arange(len(split)), np.asarray(split.value_lengths()))
    # Each word once in a caption, those of a caption one after the other.
    once = np.sort(inside * vocabulary + np.asarray(coded.indices))
    once = once[np.append(True, once[1:] != once[:-1])]
    inside, word = once // vocabulary, once % vocabulary
    many = np.bincount(inside, minlength=len(split))
    first = np.cumsum(many) - many
    # The words of the caption of each pair.
    sizes = many[caption]
    at = np.arange(sizes.sum()) + np.repeat(first[caption] - np.cumsum(sizes) + sizes, sizes)
    found, captions = np.unique(np.repeat(concept, sizes) * vocabulary + word[at], return_counts=True)
    words = coded.dictionary.take(pa.array(found % vocabulary))
    return pa.table([found // vocabulary, words, captions], schema=SCHEMA)
