"""A copy that was changed: cropped, recoloured or laid out anew, and still made from one picture."""

from __future__ import annotations

from copycat.copies.gallery import Gallery, Match
from copycat.copies.looks import Look
from copycat.copies.rungs.base import Rung


class Copy(Rung):
    """Cosine in the features of an encoder, as copy detection (SSCD, Pizzi et al. 2022) has it."""

    name, level = "copy", 10
    about = "is as like a reference picture as cropped or changed copies are"
    unit = "cosine of the encoder's features"

    def match(self, look: Look, gallery: Gallery) -> Match | None:
        return gallery.by_vector(look)
