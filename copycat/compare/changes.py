"""What changed for each character between two conditions, the worst first, with its pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from copycat.compare.common import Common, Condition, Key
from copycat.measures import Measure
from copycat.report.view import Picture

LEAST = 0.05
"""A change of a mean below which a character counts as unchanged, when no picture's state changed."""


@dataclass(frozen=True)
class Step:
    """By how much one measure of one character changed."""

    measure: Measure
    value: float | None
    """Change of the mean over its pictures; None without a pair."""
    paired: float = 1.0
    """Share of its pictures that were drawn and judged in both conditions, in [0, 1]."""

    @property
    def worse(self) -> float:
        """The change towards the worse side; below 0 it is for the better."""
        return (self.value or 0.0) * (1 if self.measure.better == "lower" else -1)

    @property
    def place(self) -> tuple[bool, float]:
        """What characters are ordered by, the worst first: the change, over all of its pictures, where one
        that was refused in a condition changed nothing; after all others those without a pair."""
        return self.value is None, -self.worse * self.paired


@dataclass(frozen=True)
class Change:
    """One character on one prompt set, in two conditions."""

    character: str
    """Slug."""
    pictures: Sequence[tuple[Key, Picture, Picture]]
    """By seed: (key, of the base, of the other)."""
    steps: Sequence[Step]
    """Of the measures that short tables show, in their order."""

    @property
    def one_each(self) -> bool:
        """Whether a seed alone names a picture."""
        return len({key[2] for key, _, _ in self.pictures}) == len(self.pictures)

    @property
    def nothing(self) -> bool:
        """Whether neither a picture's state nor a mean changed."""
        states = any(a.state != b.state for _, a, b in self.pictures)
        return not states and all(abs(step.worse) < LEAST for step in self.steps)


@dataclass(frozen=True)
class Changes:
    """All characters of one comparison."""

    prompt_set: str
    base: Condition
    other: Condition
    changed: Sequence[Change]
    """The worst first, by the first measure, then by the next; see :attr:`Step.place`."""
    unchanged: Sequence[str]
    """Slugs."""


def changes(shared: Common, prompt_set: str, base: Condition, other: Condition) -> Changes:
    """Every character of `prompt_set`, by how much worse `other` is than `base`."""
    by_character: dict[str, list[Key]] = {c: [] for c in shared.characters}
    for key in sorted(base.requests.keys() & other.requests.keys()):
        if key[0] == prompt_set:
            by_character[key[1]].append(key)
    values = [(m, base.values(m), other.values(m)) for m in shared.tabled]
    found = [
        Change(
            character,
            [(k, base.pictures[k], other.pictures[k]) for k in keys],
            [_step(m, len(keys), [b[k] - a[k] for k in keys if k in a and k in b]) for m, a, b in values],
        )
        for character, keys in by_character.items()
        if keys
    ]
    changed = sorted((c for c in found if not c.nothing), key=lambda c: [step.place for step in c.steps])
    return Changes(prompt_set, base, other, changed, [c.character for c in found if c.nothing])


def _step(m: Measure, asked: int, steps: Sequence[float]) -> Step:
    return Step(m, fmean(steps) if steps else None, len(steps) / asked)
