"""Perceptual hash: nearly the same picture, whatever its size and compression."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from copycat.cards.judges import JudgeCard
from copycat.io.picture_hash import phash
from copycat.judges.gallery import Detector


class HashDetector(Detector):
    """Signs of the lowest frequencies (Zauner 2010); finds copies, not characters in another pose.

    As vectors of ±1, so that similarity is 1 less twice the share of bits that differ.
    """

    def _load(self, card: JudgeCard, device: str) -> None:
        pass

    def _describe(self, images: Sequence[Image.Image]) -> npt.NDArray[Any]:
        return np.stack([phash(i) for i in images])
