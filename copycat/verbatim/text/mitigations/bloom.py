"""A Bloom filter (Bloom 1970): a set that takes few bits, never misses a member, and errs for some others."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]
_SPREAD, _FIRST, _SECOND = (
    np.uint64(c) for c in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
)
_FEWEST = 8192
"""Bits: in a much smaller field the places of one member come too close to those of others."""


def mixed(values: Hashes) -> Hashes:
    """Each of `values`, all bits of which depend on all of its own (the finaliser of SplitMix64)."""
    with np.errstate(over="ignore"):
        found = values + _SPREAD
        found = (found ^ (found >> np.uint64(30))) * _FIRST
        found = (found ^ (found >> np.uint64(27))) * _SECOND
    return found ^ (found >> np.uint64(31))


class BloomFilter:
    """Members are 64-bit hashes. Sized for so many `members` and a `rate` of false positives in (0, 1)."""

    def __init__(self, members: int, rate: float) -> None:
        wanted = math.ceil(-max(members, 1) * math.log(rate) / math.log(2) ** 2)
        self.bits = 8 * math.ceil(max(_FEWEST, wanted) / 8)
        self.probes = max(1, round(-math.log2(rate)))
        self._field = np.zeros(self.bits // 8, np.uint8)

    def add(self, hashes: Hashes) -> None:
        """Make all of `hashes` members."""
        for number in range(self.probes):
            byte, bit = self._place(hashes, number)
            np.bitwise_or.at(self._field, byte, bit)

    def holds(self, hashes: Hashes) -> npt.NDArray[np.bool_]:
        """Of each whether it is a member: always True for one, and True by mistake for a few others."""
        found = np.ones(len(hashes), bool)
        left = np.arange(len(hashes))
        # Most are found out by the first probes; only the rest is looked at again.
        for number in range(self.probes):
            byte, bit = self._place(hashes[left], number)
            there = (self._field[byte] & bit) != 0
            found[left[~there]] = False
            left = left[there]
        return found

    @property
    def rate(self) -> float:
        """The rate of false positives that follows from how full it is."""
        return float((np.bitwise_count(self._field).sum() / self.bits) ** self.probes)

    @property
    def bytes(self) -> int:
        """What it takes in memory."""
        return self._field.nbytes

    def _place(self, hashes: Hashes, number: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
        """Of each the byte, and the bit in it."""
        # Two hashes make as many as are wanted (Kirsch and Mitzenmacher 2006).
        with np.errstate(over="ignore"):
            second = mixed(hashes ^ _SPREAD) | np.uint64(1)
            at = hashes + np.uint64(number) * second
        place = at % np.uint64(self.bits)
        return (place >> np.uint64(3)).astype(np.int64), np.uint8(1) << (place & np.uint64(7)).astype(
            np.uint8
        )
