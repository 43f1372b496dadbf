"""Taking out of one gradient what would undo another (DoCo, Wu et al. 2025, section 3.3)."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

Surgery = Literal["paper_code", "projection", "none"]


def without_conflict(wanted: Tensor, kept: Tensor, surgery: Surgery, strength: float = 1.0) -> Tensor:
    """`wanted`, the gradient that erases, without what goes against `kept`, that which preserves; same shape.

    Where the two point the same way nothing is changed. `projection` takes away the whole of `wanted` along
    `kept`, so that they are orthogonal afterwards. `paper_code` is what the authors' code does: it takes away
    the cosine times the unit vector of `kept`, without the length of `wanted`, so that a gradient shorter
    than 1, as all are after their clipping, is pushed past orthogonal."""
    if surgery == "none":
        return wanted
    direction = kept / kept.norm().clamp(min=1e-12)
    along = (wanted * direction).sum()
    if along >= 0:
        return wanted
    if surgery == "paper_code":
        along = along / wanted.norm().clamp(min=1e-12)
    changed: Tensor = wanted - strength * along * direction
    return changed
