"""What a rung is: one way in which a picture can be a copy of another."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cache
from typing import ClassVar

from copycat.cards.catalog import Catalog
from copycat.copies.gallery import Gallery, Match
from copycat.copies.looks import Look


class Rung(ABC):
    """One rung. A picture stands on the highest whose likeness reaches the rung's threshold."""

    name: ClassVar[str]
    level: ClassVar[int]
    """Higher is nearer to the reference."""
    about: ClassVar[str]
    """What it means that a picture stands there, as the rest of a sentence about it."""
    unit: ClassVar[str]
    """What its likeness is."""
    fixed: ClassVar[float | None] = None
    """Its threshold, where that follows from what it is and is not measured."""

    @abstractmethod
    def match(self, look: Look, gallery: Gallery) -> Match | None:
        """The reference that is nearest by this rung; None where nothing can be compared."""


CATALOG: Catalog[type[Rung]] = Catalog(
    "rungs",
    singular="rung",
    builtin={
        "exact": "copycat.copies.rungs.exact:Exact",
        "perceptual": "copycat.copies.rungs.perceptual:Perceptual",
        "near-copy": "copycat.copies.rungs.near_copy:NearCopy",
        "copy": "copycat.copies.rungs.copy:Copy",
    },
)


@cache
def rungs() -> tuple[Rung, ...]:
    """All of them, nearest first."""
    return tuple(sorted((CATALOG.get(name)() for name in CATALOG.names()), key=lambda r: -r.level))
