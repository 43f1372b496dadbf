"""How far an expected sum of rare events may lie from what was seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import hypot, log

from scipy import optimize, special

LEVEL = 0.95
TAIL = (1 - LEVEL) / 2


@dataclass(frozen=True)
class Events:
    """Events that all move a sum to one side, and by as much."""

    variance: float
    """Of the sum, as far as it comes from them."""
    size: float
    """By how much one of them moves it."""

    @property
    def count(self) -> float:
        """How many of them have that variance, were they as rare as a Poisson law's."""
        return max(0.0, self.variance) / self.size**2 if self.size > 0 else 0.0


Gap = Callable[[float, bool], float]
"""(count seen, whether more were expected than seen) to how many more, or fewer, may have been expected."""


def exact(count: float, more: bool) -> float:
    """The gaps of Garwood's interval (1936), which holds a Poisson mean in 95 % or more."""
    if more:
        return float(special.gammaincinv(count + 1, 1 - TAIL)) - count
    return count - float(special.gammaincinv(count, TAIL)) if count > 0 else 0.0


def mid_p(count: float, more: bool) -> float:
    """The gaps of the mid-P interval (Lancaster 1961), in which what was seen counts half: it holds a Poisson
    mean in 95 % on average, and is narrower."""
    wanted = 1 - TAIL if more else TAIL
    if count <= 0:
        return -log(2 * TAIL) if more else 0.0

    def over(mean: float) -> float:
        return float(special.gammainc(count, mean) + special.gammainc(count + 1, mean)) / 2 - wanted

    end = float(optimize.brentq(over, 0.0, count + 12 + 6 * (count + 1) ** 0.5))
    return max(0.0, end - count if more else count - end)


def joined(ups: Events, downs: Events, gap: Gap) -> tuple[float, float]:
    """How far the expected sum may lie below what was seen, and above: the gaps of both kinds of events,
    joined by squares as Zou and Donner (2008) do for a difference."""

    def reach(nearer: Events, farther: Events) -> float:
        return hypot(nearer.size * gap(nearer.count, True), farther.size * gap(farther.count, False))

    return reach(downs, ups), reach(ups, downs)
