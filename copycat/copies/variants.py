"""Pictures of known relation: copies of a picture as they occur, and photographs that are none of it."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping

import numpy as np
from PIL import Image, ImageOps

from copycat.io.pictures import decode


def _jpeg(image: Image.Image) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=75)
    return decode(buffer.getvalue(), "A copy as JPEG").image


def _scaled(image: Image.Image) -> Image.Image:
    """Three quarters of the size, and back."""
    small = (max(1, image.width * 3 // 4), max(1, image.height * 3 // 4))
    return image.resize(small, Image.Resampling.LANCZOS).resize(image.size, Image.Resampling.BICUBIC)


def _enlarged(image: Image.Image) -> Image.Image:
    return image.resize((image.width * 2, image.height * 2), Image.Resampling.BICUBIC)


def _cropped(image: Image.Image) -> Image.Image:
    """The middle, a tenth of each side gone, in the size of the whole."""
    dx, dy = round(image.width / 20), round(image.height / 20)
    middle = image.crop((dx, dy, image.width - dx, image.height - dy))
    return middle.resize(image.size, Image.Resampling.BICUBIC)


def _cut(image: Image.Image) -> Image.Image:
    """A fifth of width and height gone at one corner, in the size of the whole."""
    part = image.crop((0, 0, image.width - image.width // 5, image.height - image.height // 5))
    return part.resize(image.size, Image.Resampling.BICUBIC)


COPIES: Mapping[str, Callable[[Image.Image], Image.Image]] = {
    "the same": lambda image: image.copy(),
    "saved as JPEG": _jpeg,
    "scaled down and back": _scaled,
    "enlarged": _enlarged,
    "mirrored": ImageOps.mirror,
    "cropped by a tenth": _cropped,
    "cut by a fifth": _cut,
}
"""What is done to a picture that is copied, by name."""


def photographs(n: int, side: int, seed: int = 0) -> list[Image.Image]:
    """`n` parts of the two photographs that come with scikit-learn, scaled to `side` pixels: pictures that
    have nothing to do with any reference."""
    from sklearn.datasets import load_sample_images

    whole = [Image.fromarray(pixels) for pixels in load_sample_images().images]
    random = np.random.default_rng(seed)
    found = []
    for i in range(n):
        photograph = whole[i % len(whole)]
        size = int(random.integers(64, min(photograph.size)))
        x = int(random.integers(0, photograph.width - size + 1))
        y = int(random.integers(0, photograph.height - size + 1))
        part = photograph.crop((x, y, x + size, y + size))
        found.append(part.resize((side, side), Image.Resampling.LANCZOS))
    return found
