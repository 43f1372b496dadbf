"""The same picture, saved or scaled anew."""

from __future__ import annotations

from copycat.copies.gallery import Gallery, Match
from copycat.copies.looks import Look
from copycat.copies.rungs.base import Rung


class Perceptual(Rung):
    """Bits of a perceptual hash (Zauner 2010) that are the same, of the picture or its mirror image."""

    name, level = "perceptual", 30
    about = "differs from a reference picture by what saving, scaling or mirroring change, by its hash"
    unit = "share of the 63 bits of a perceptual hash that are the same"

    def match(self, look: Look, gallery: Gallery) -> Match | None:
        return gallery.by_hash(look)
