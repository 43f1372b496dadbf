"""Nearly the same picture: the same things in the same places."""

from __future__ import annotations

from copycat.copies.gallery import Gallery, Match
from copycat.copies.looks import Look
from copycat.copies.rungs.base import Rung


class NearCopy(Rung):
    """Structural similarity of thumbnails with the nearest references, mirrored or not."""

    name, level = "near-copy", 20
    about = "has the same things in the same places as a reference picture"
    unit = "SSIM of thumbnails of 32 × 32 pixels"

    def match(self, look: Look, gallery: Gallery) -> Match | None:
        return gallery.by_thumb(look)
