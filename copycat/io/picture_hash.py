"""The perceptual hash of a picture: the same for nearly the same picture."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.fft import dctn

SIDE, KEPT = 32, 8


def phash(image: Image.Image) -> npt.NDArray[np.float32]:
    """63 values of ±1: the lowest 8 × 8 frequencies but the mean, above their median or not."""
    grey = np.asarray(image.convert("L").resize((SIDE, SIDE), Image.Resampling.LANCZOS), float)
    low = dctn(grey, norm="ortho")[:KEPT, :KEPT].ravel()[1:]
    return np.where(low > np.median(low), 1.0, -1.0).astype(np.float32)


def phash_hex(image: Image.Image) -> str:
    """The 63 bits of :func:`phash` as 16 hex digits."""
    return f"{int(''.join('1' if b > 0 else '0' for b in phash(image)), 2):016x}"


def bits_apart(first: str, second: str) -> int:
    """How many bits two hashes in hex digits differ in, 0 to 63."""
    return (int(first, 16) ^ int(second, 16)).bit_count()
