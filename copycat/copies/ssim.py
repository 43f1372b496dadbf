"""Structural similarity (Wang, Bovik, Sheikh and Simoncelli 2004) of thumbnails."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

_WIDTH, _SIGMA = 11, 1.5
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


@cache
def _blur(side: int) -> npt.NDArray[np.float32]:
    """(side - 10, side): weighted means of all windows that lie within."""
    at = np.arange(_WIDTH) - _WIDTH // 2
    window = np.exp(-(at**2) / (2 * _SIGMA**2))
    rows = np.zeros((side - _WIDTH + 1, side), np.float32)
    for i in range(len(rows)):
        rows[i, i : i + _WIDTH] = window / window.sum()
    return rows


def ssim(pictures: npt.NDArray[Any], others: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """The mean SSIM, in [-1, 1], 1 for the same pixels: (m, n), of each of `pictures`, (m, side, side, 3),
    with each of `others`, (n, side, side, 3), all in [0, 255].

    Over an 11 × 11 Gaussian window (σ 1.5), all windows that lie within the picture, and the three colours.
    Sides are at least 11.
    """
    side = pictures.shape[1]
    blur = _blur(side)

    def local(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        # As two large products, in place of very many small ones. What is symmetrical may lie on its side.
        rows = (values.reshape(-1, side) @ blur.T).reshape(*values.shape[:-1], -1)
        turned = np.ascontiguousarray(np.swapaxes(rows, -1, -2))
        return np.asarray((turned.reshape(-1, side) @ blur.T).reshape(*turned.shape[:-1], -1))

    x, y = (np.moveaxis(p, -1, 1).astype(np.float32) for p in (pictures, others))
    mx, my = local(x), local(y)
    # Against rounding: a variance is not below zero.
    vx, vy = np.maximum(local(x * x) - mx * mx, 0), np.maximum(local(y * y) - my * my, 0)
    found = np.empty((len(x), len(y)))
    for i in range(len(x)):
        both = local(x[i] * y) - mx[i] * my
        light = (2 * mx[i] * my + _C1) / (mx[i] * mx[i] + my * my + _C1)
        found[i] = (light * (2 * both + _C2) / (vx[i] + vy + _C2)).mean(axis=(1, 2, 3))
    return found
