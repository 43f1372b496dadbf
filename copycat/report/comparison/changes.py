"""What changed for each character between two conditions, the worst first, with its pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from copycat.report.compare import VALUES
from copycat.report.comparison.common import Common, Condition, Key
from copycat.report.view import Picture

LEAST = 0.05
"""A change of CONS below which a character counts as unchanged, when no verdict changed."""


@dataclass(frozen=True)
class Change:
    """One character on one prompt set, in two conditions."""

    character: str
    """Slug."""
    pictures: Sequence[tuple[Key, Picture, Picture]]
    """By seed: (key, of the base, of the other)."""
    detect: float | None
    """Change of the share of its pictures that are recognised; above 0 is worse. None without a pair."""
    cons: float | None
    """Change of its mean P("Yes"); below 0 is worse."""

    @property
    def nothing(self) -> bool:
        """Whether neither a mark nor CONS changed."""
        marks = any(a.mark != b.mark for _, a, b in self.pictures)
        return not marks and abs(self.cons or 0.0) < LEAST


@dataclass(frozen=True)
class Changes:
    """All characters of one comparison."""

    prompt_set: str
    base: Condition
    other: Condition
    changed: Sequence[Change]
    """The worst first: more recognisable, then less of what was asked for."""
    unchanged: Sequence[str]
    """Slugs."""


def changes(shared: Common, prompt_set: str, base: Condition, other: Condition) -> Changes:
    """Every character of `prompt_set`, by how much worse `other` is than `base`."""
    by_character: dict[str, list[tuple[Key, Picture, Picture]]] = {c: [] for c in shared.characters}
    for key in sorted(base.pictures.keys() & other.pictures.keys()):
        if key[0] == prompt_set:
            by_character[key[1]].append((key, base.pictures[key], other.pictures[key]))
    found = [
        Change(character, pairs, _mean("DETECT", pairs), _mean("CONS", pairs))
        for character, pairs in by_character.items()
        if pairs
    ]
    changed = sorted((c for c in found if not c.nothing), key=lambda c: (-(c.detect or 0.0), c.cons or 0.0))
    return Changes(prompt_set, base, other, changed, [c.character for c in found if c.nothing])


def _mean(metric: str, pairs: Sequence[tuple[Key, Picture, Picture]]) -> float | None:
    value = VALUES[metric]
    steps = [y - x for _, a, b in pairs if (x := value(a)) is not None and (y := value(b)) is not None]
    return fmean(steps) if steps else None
