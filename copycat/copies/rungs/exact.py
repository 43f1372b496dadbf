"""The same picture, pixel for pixel."""

from __future__ import annotations

from copycat.copies.gallery import Gallery, Match
from copycat.copies.looks import Look
from copycat.copies.rungs.base import Rung


class Exact(Rung):
    """SHA-256 of size and pixels: the same whatever file they lie in, and another if one pixel differs."""

    name, level = "exact", 40
    about = "is a reference picture, pixel for pixel"
    unit = "1 where all pixels are the same"
    fixed = 1.0

    def match(self, look: Look, gallery: Gallery) -> Match | None:
        return gallery.same(look)
