"""References to compare pictures with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from copycat.copies.index import Index, index_of
from copycat.copies.looks import BITS, Look, Looks
from copycat.copies.ssim import ssim
from copycat.copies.views import parts
from copycat.records import digest

CANDIDATES = 8
"""References that a picture's thumbnail is compared with, of those nearest by the encoder and by the hash
each."""


@dataclass(frozen=True)
class Match:
    """What is nearest by one rung."""

    likeness: float
    """In the unit of the rung; higher is nearer."""
    reference: int
    """Its row."""


@dataclass(frozen=True, eq=False)
class Gallery:
    """References by what they are compared by, and whose pictures they are."""

    looks: Looks
    names: tuple[str, ...]
    """Of each reference: its file, or the row of a table."""
    characters: tuple[str, ...]
    """Slug of whom each shows; empty where that is not known."""

    def __len__(self) -> int:
        return len(self.names)

    def only(self, rows: Sequence[int]) -> Gallery:
        """Those of its references alone."""
        names, whose = (tuple(of[i] for i in rows) for of in (self.names, self.characters))
        return Gallery(self.looks.take(np.array(rows, np.intp)), names, whose)

    @cached_property
    def digest(self) -> str:
        """Hash of all references: their pixels, and whose pictures they are."""
        return digest([self.looks.shas.tobytes().hex(), self.characters])

    @cached_property
    def _by_sha(self) -> dict[bytes, int]:
        found: dict[bytes, int] = {}
        for i, row in enumerate(self.looks.shas):
            found.setdefault(row.tobytes(), i)
        return found

    @cached_property
    def _index(self) -> Index:
        return index_of(self.looks.vectors)

    def same(self, look: Look) -> Match | None:
        """A reference with the very same pixels: 1; None where there is none."""
        row = self._by_sha.get(look.sha)
        return None if row is None else Match(1.0, row)

    def by_hash(self, look: Look) -> Match | None:
        """The reference with the most bits of the perceptual hash in common, mirrored or not: their share, in
        [0, 1]."""
        if not len(self):
            return None
        apart = self._bits_apart(look)
        row = int(apart.argmin())
        return Match(1 - int(apart[row]) / BITS, row)

    def by_vector(self, look: Look) -> Match | None:
        """The reference of the greatest cosine with the picture or its mirror image, in [-1, 1]; None where
        the encoder makes no numbers of it."""
        rows, cosines = self._nearest(look, 1)
        if not len(rows):
            return None
        best = int(cosines.argmax())
        return Match(float(cosines[best]), int(rows[best]))

    def by_thumb(self, look: Look) -> Match | None:
        """The greatest SSIM of thumbnails, in [-1, 1], of the picture, mirrored or not, and the candidates
        that are nearest by the encoder or by the hash, whole or cropped."""
        rows = self.candidates(look)
        if not len(rows):
            return None
        seen = parts(self.looks.thumbs[rows])
        there = seen.reshape(-1, *seen.shape[2:])
        found = ssim(np.stack([look.thumb, look.thumb[:, ::-1]]), there).max(axis=0)
        best = int(found.argmax())
        return Match(float(found[best]), int(rows[best // seen.shape[1]]))

    def candidates(self, look: Look) -> npt.NDArray[np.intp]:
        """Rows of the references that may be the nearest, in their order."""
        apart = self._bits_apart(look)
        k = min(CANDIDATES, len(apart))
        near = np.argpartition(apart, k - 1)[:k] if k else np.zeros(0, np.intp)
        return np.unique(np.concatenate([near, self._nearest(look, CANDIDATES)[0]])).astype(np.intp)

    def _bits_apart(self, look: Look) -> npt.NDArray[np.uint8]:
        held = self.looks.hashes[:, 0]
        both = (np.bitwise_count(held ^ bits) for bits in look.hashes)
        return np.asarray(np.minimum(*both), np.uint8)

    def _nearest(self, look: Look, k: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float32]]:
        found = [self._index.nearest(v, k) for v in look.vectors if len(self) and np.isfinite(v).all()]
        if not found:
            return np.zeros(0, np.intp), np.zeros(0, np.float32)
        return np.concatenate([rows for rows, _ in found]), np.concatenate([c for _, c in found])
