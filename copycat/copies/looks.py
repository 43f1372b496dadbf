"""What pictures are compared by: pixels, a perceptual hash, a thumbnail and the vector of an encoder."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from copycat.io.picture_hash import phash

SIDE = 32
"""Sides of thumbnails, in pixels."""
BITS = 63
"""Of a perceptual hash."""
Vectors = npt.NDArray[np.float32]
"""Rows of length 1, one a picture."""
_AT_ONCE = 64


class Encoder(Protocol):
    """Makes vectors of pictures, as :class:`copycat.judges.gallery.Detector` does."""

    def vectors(self, images: Sequence[Image.Image]) -> Vectors:
        """One row of length 1 a picture; not numbers where there are no features."""
        ...


@dataclass(frozen=True)
class Looks:
    """What `n` pictures are compared by, a row for each."""

    shas: npt.NDArray[np.uint8]
    """(n, 32): SHA-256 of size and pixels, whatever file they lay in."""
    hashes: npt.NDArray[np.uint64]
    """(n, 2): the 63 bits of the perceptual hash, and of the mirrored picture's."""
    thumbs: npt.NDArray[np.uint8]
    """(n, SIDE, SIDE, 3): the picture made small, whatever its proportions."""
    vectors: Vectors
    """(n, width), in cosine; NaN where the encoder makes no numbers of a picture."""
    mirrored: Vectors | None = None
    """The same of the mirrored pictures; None for references, which are compared as they are."""

    def __len__(self) -> int:
        return len(self.shas)

    @property
    def finite(self) -> npt.NDArray[np.bool_]:
        """Of each picture whether its vector is numbers."""
        return np.asarray(np.isfinite(self.vectors).all(axis=1))

    def take(self, rows: npt.NDArray[np.intp] | Sequence[int]) -> Looks:
        """Those rows alone."""
        other = None if self.mirrored is None else self.mirrored[rows]
        return Looks(self.shas[rows], self.hashes[rows], self.thumbs[rows], self.vectors[rows], other)

    def one(self, row: int) -> Look:
        """One row."""
        other = self.vectors[row] if self.mirrored is None else self.mirrored[row]
        views = self.vectors[row], other
        return Look(self.shas[row].tobytes(), self.hashes[row], self.thumbs[row], views)


@dataclass(frozen=True)
class Look:
    """What one picture is compared by."""

    sha: bytes
    hashes: npt.NDArray[np.uint64]
    """As it is, and mirrored."""
    thumb: npt.NDArray[np.uint8]
    """(SIDE, SIDE, 3)."""
    vectors: tuple[Vectors, Vectors]
    """As it is, and mirrored."""


def describe(images: Sequence[Image.Image], encoder: Encoder, *, mirror: bool = False) -> Looks:
    """What `images`, in RGB, are compared by; with `mirror` the vectors of their mirror images too, which
    references do not need."""
    parts = [_describe(images[i : i + _AT_ONCE], encoder, mirror) for i in range(0, len(images), _AT_ONCE)]
    return joined(parts) if parts else empty()


def joined(parts: Sequence[Looks]) -> Looks:
    """The rows of all `parts`, of which there is one or more."""
    mirrored = [p.mirrored for p in parts if p.mirrored is not None]
    return Looks(
        np.concatenate([p.shas for p in parts]),
        np.concatenate([p.hashes for p in parts]),
        np.concatenate([p.thumbs for p in parts]),
        np.concatenate([p.vectors for p in parts]),
        np.concatenate(mirrored) if len(mirrored) == len(parts) else None,
    )


def empty() -> Looks:
    """Of no pictures."""
    return Looks(
        np.zeros((0, 32), np.uint8),
        np.zeros((0, 2), np.uint64),
        np.zeros((0, SIDE, SIDE, 3), np.uint8),
        np.zeros((0, 1), np.float32),
    )


def _describe(images: Sequence[Image.Image], encoder: Encoder, mirror: bool) -> Looks:
    turned = [ImageOps.mirror(image) for image in images]
    return Looks(
        np.stack([np.frombuffer(_sha(image), np.uint8) for image in images]),
        np.array([[_bits(a), _bits(b)] for a, b in zip(images, turned, strict=True)], np.uint64),
        np.stack([_thumb(image) for image in images]),
        encoder.vectors(images),
        encoder.vectors(turned) if mirror else None,
    )


def _sha(image: Image.Image) -> bytes:
    return hashlib.sha256(f"{image.mode} {image.size} ".encode() + image.tobytes()).digest()


def _bits(image: Image.Image) -> int:
    packed = np.packbits(phash(image) > 0, bitorder="little")
    return int.from_bytes(packed.tobytes(), "little")


def _thumb(image: Image.Image) -> npt.NDArray[np.uint8]:
    small = image.convert("RGB")
    if small.size != (SIDE, SIDE):
        small = small.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    return np.asarray(small, np.uint8)
