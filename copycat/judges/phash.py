"""Perceptual hash: nearly the same picture, whatever its size and compression."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.fft import dctn

from copycat.judges.card import JudgeCard
from copycat.judges.gallery import Detector

SIDE, KEPT = 32, 8


class HashDetector(Detector):
    """Signs of the lowest frequencies (Zauner 2010); finds copies, not characters in another pose.

    As vectors of ±1, so that similarity is 1 less twice the share of bits that differ.
    """

    def _load(self, card: JudgeCard, device: str) -> None:
        pass

    def _describe(self, images: Sequence[Image.Image]) -> npt.NDArray[Any]:
        return np.stack([phash(i) for i in images])


def phash(image: Image.Image) -> npt.NDArray[np.float32]:
    """63 values of ±1: the lowest 8 × 8 frequencies but the mean, above their median or not."""
    grey = np.asarray(image.convert("L").resize((SIDE, SIDE), Image.Resampling.LANCZOS), float)
    low = dctn(grey, norm="ortho")[:KEPT, :KEPT].ravel()[1:]
    return np.where(low > np.median(low), 1.0, -1.0).astype(np.float32)
