"""Small pictures and an encoder that needs no weights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from copycat.copies.gallery import Gallery
from copycat.copies.looks import Vectors, describe


class Blurred:
    """Pictures as their 64 blurred grey values: near for pictures that are laid out alike."""

    def vectors(self, images: Sequence[Image.Image]) -> Vectors:
        small = [np.asarray(i.convert("L").resize((8, 8), Image.Resampling.BOX), np.float32) for i in images]
        rows = np.stack([s.ravel() - s.mean() for s in small])
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        return np.asarray(rows / np.where(lengths > 0, lengths, np.nan), np.float32)


def scene(seed: int, side: int = 32) -> Image.Image:
    """Coloured rectangles, others for each seed."""
    random = np.random.default_rng(seed)
    pixels = np.full((side, side, 3), random.integers(0, 256, 3), np.uint8)
    for _ in range(6):
        x, y = random.integers(0, side - 8, 2)
        w, h = random.integers(5, 16, 2)
        pixels[y : y + h, x : x + w] = random.integers(0, 256, 3)
    return Image.fromarray(pixels)


def gallery(seeds: Sequence[int]) -> Gallery:
    """Scenes, in turn of two characters."""
    looks = describe([scene(s) for s in seeds], Blurred())
    return Gallery(looks, tuple(f"{s}.png" for s in seeds), tuple("ab"[i % 2] for i in range(len(seeds))))
