"""Parts of thumbnails, since what is copied may be cropped."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from copycat.copies.looks import SIDE

SHARES = ((0.92, (0.5,)), (0.82, (0.0, 0.5, 1.0)))
"""Of the width and height how much a part has, and where it may lie, from the left or top (0) to the other
end (1)."""


@cache
def _windows() -> npt.NDArray[np.float32]:
    """(n, 2, SIDE, SIDE): for each part what its rows, and its columns, are mixed of."""
    found = [(np.eye(SIDE), np.eye(SIDE))]
    for share, places in SHARES:
        axes = [_stretch(share, at) for at in places]
        found += [(rows, columns) for rows in axes for columns in axes]
    return np.array(found, np.float32)


def _stretch(share: float, at: float) -> npt.NDArray[np.float64]:
    """(SIDE, SIDE): a part of an axis, stretched to its whole length, by linear interpolation."""
    length = share * SIDE
    centres = at * (SIDE - length) + (np.arange(SIDE) + 0.5) * length / SIDE - 0.5
    centres = centres.clip(0, SIDE - 1)
    low = np.minimum(np.floor(centres).astype(int), SIDE - 2)
    mixed = np.zeros((SIDE, SIDE))
    mixed[np.arange(SIDE), low] = 1 - (centres - low)
    mixed[np.arange(SIDE), low + 1] = centres - low
    return mixed


def parts(thumbs: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """(n, views, SIDE, SIDE, 3): of each thumbnail the whole, and parts of it in the size of the whole."""
    rows, columns = _windows().transpose(1, 0, 2, 3)
    n, views = len(thumbs), len(rows)
    # As two large products, in place of very many small ones.
    lines = np.ascontiguousarray(thumbs.transpose(2, 0, 1, 3), np.float32).reshape(SIDE, -1)
    wide = (columns.reshape(-1, SIDE) @ lines).reshape(views, SIDE, n, SIDE, 3)
    seen = rows @ wide.transpose(0, 3, 1, 2, 4).reshape(views, SIDE, -1)
    return np.ascontiguousarray(seen.reshape(views, SIDE, SIDE, n, 3).transpose(3, 0, 1, 2, 4))
