"""Columns of rows: for each row the number of its value among the distinct values of the column."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from itertools import repeat
from operator import attrgetter
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.signedinteger[Any]]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

NONE = -1
"""In place of a code or of a row's number: there is none."""
PLAIN = frozenset({str, int, bool, type(None)})
"""Types of values that are their own keys."""
_MOST = 2**62


class Codes(dict[Hashable, int]):
    """The codes of values: 0, 1, … in the order in which they are first asked for."""

    def __missing__(self, key: Hashable) -> int:
        self[key] = code = len(self)
        return code


@dataclass(frozen=True)
class Column:
    """One column of a sequence of rows."""

    codes: Ints
    """Shape (rows,), ≥ 0; of a value that is kept as numbers NONE."""
    known: Mapping[Hashable, int]
    """The codes of values: of text, integers and None themselves, of all else their JSON. Two codes may stand
    for the same value of that kind, where it was written in two ways. It may grow with the rows of a file;
    codes that are not below `size` are none of this column's."""
    size: int
    """How many codes there are."""
    numbers: Floats | None = None
    """Shape (rows, numbers): values that hardly two rows share, NaN for what a row has not. None for a column
    without such values."""

    @cached_property
    def keys(self) -> Sequence[Any]:
        """The values by code, those that no row has among them."""
        return list(self.known)[: self.size]

    @property
    def values(self) -> frozenset[Any]:
        """The values that rows have, of a column of text, integers or None."""
        return frozenset(self.keys[code] for code in np.unique(self.codes))

    @cached_property
    def firsts(self) -> Ints:
        """By code, the number of the first row that has it; NONE for a code that no row has."""
        found = np.full(self.size, NONE, np.int64)
        there = np.flatnonzero(self.codes != NONE)[::-1]
        found[self.codes[there]] = there
        return found

    def code(self, key: Hashable) -> int:
        """The code of a value; NONE for one that the column does not know."""
        code = self.known.get(key, NONE)
        return code if code < self.size else NONE

    def where(self, keys: Iterable[Hashable]) -> Flags:
        """Which rows have one of the values `keys`."""
        return np.isin(self.codes, [code for key in keys if (code := self.code(key)) != NONE])

    def told_as(self, other: Column) -> Ints:
        """The codes that the rows' values have in `other`; NONE for those that it does not know."""
        # As `code` finds them, without a call for each of very many.
        theirs = np.array(list(map(other.known.get, self.keys, repeat(NONE))), np.int32)
        theirs[theirs >= other.size] = NONE
        return theirs[self.codes] if len(self.codes) else self.codes

    def take(self, rows: Ints) -> Column:
        """The column of those `rows` alone."""
        numbers = None if self.numbers is None else self.numbers[rows]
        return Column(self.codes[rows], self.known, self.size, numbers)


class Growing:
    """One column to which rows are added."""

    def __init__(self, name: str, *, plain: bool = False) -> None:
        """`plain` where no value is anything but text, an integer or None."""
        self._value, self._plain = attrgetter(name), plain
        self._known = Codes()
        self._codes = array("i")
        self._numbers = array("d")
        self._width = 0
        """How many numbers each row has in `_numbers`."""

    def add(self, rows: Iterable[Any], encode: Callable[[Any], bytes]) -> None:
        """Add those of `rows`, whose values other than text and integers `encode` makes JSON of."""
        code = self._known.__getitem__
        if self._plain:
            self._codes.extend(map(code, map(self._value, rows)))
            return
        values = list(map(self._value, rows))
        kinds = list(map(type, values))
        names = {kind: tuple(getattr(kind, "numbers", ())) for kind in set(kinds)}
        apart = {kind: attrgetter(*told) for kind, told in names.items() if told}
        if set(kinds) <= PLAIN:
            codes = list(map(code, values))
        elif not apart:
            # An empty tuple is as good a key as its JSON, and what most rows have.
            pairs = zip(values, kinds, strict=True)
            codes = [code(v if k in PLAIN or v == () else encode(v)) for v, k in pairs]
        else:
            codes = [NONE if k in apart else code(encode(v)) for v, k in zip(values, kinds, strict=True)]
        self._widen(max(map(len, names.values()), default=0))
        if self._width:
            told = np.full((len(values), self._width), np.nan)
            for kind, numbers in apart.items():
                mine = np.fromiter((k is kind for k in kinds), bool, len(kinds))
                found = [numbers(v) for v, k in zip(values, kinds, strict=True) if k is kind]
                # None becomes NaN.
                told[mine, : len(names[kind])] = np.array(found, float).reshape(len(found), -1)
            self._numbers.frombytes(told.tobytes())
        self._codes.extend(codes)

    def _widen(self, width: int) -> None:
        """Let there be at least `width` numbers for each row, NaN for what rows so far had not."""
        if width <= self._width:
            return
        told = np.full((len(self._codes), width), np.nan)
        told[:, : self._width] = np.array(self._numbers).reshape(len(self._codes), self._width)
        self._numbers, self._width = array("d", told.tobytes()), width

    def column(self, rows: int) -> Column:
        """That of the first so many `rows`."""
        numbers = None
        if self._width:
            numbers = np.array(self._numbers[: rows * self._width]).reshape(rows, self._width)
        return Column(np.array(self._codes[:rows]), self._known, len(self._known), numbers)


def pick(codes: Ints, rows: Ints) -> Ints:
    """Those of `codes`, of shape (rows,), of some `rows`; NONE for NONE. In the shape of `rows`."""
    found = np.full(rows.shape, NONE, np.int64)
    there = rows != NONE
    found[there] = codes[rows[there]]
    return found


def joint(*codes: Ints) -> Ints:
    """One code for each distinct combination of `codes`, all of the same shape (rows,) and ≥ NONE; two rows
    have the same where all their codes are the same."""
    return reduce(_pair, codes)


def _pair(one: Ints, other: Ints) -> Ints:
    one = one.astype(np.int64)
    if not len(one):
        return one
    width = int(other.max()) + 2
    if (int(one.max()) + 2) * width > _MOST:
        one = np.unique(one, return_inverse=True)[1].astype(np.int64)
    return (one + 1) * width + other + 1


def by_first(codes: Ints) -> tuple[Ints, Ints]:
    """`codes` as 0, 1, … in the order in which they first come, and for each of these where it does."""
    _, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return rank[inverse], first[order]


def last_of_each(codes: Ints) -> Ints:
    """Where each of `codes` comes last, in the order in which they first come."""
    ranks, first = by_first(codes)
    last = np.empty(len(first), np.int64)
    last[ranks] = np.arange(len(ranks))  # of several the last one stays
    return last


class Index:
    """Finds, of rows that are known by several codes, the last one that has all of those asked for."""

    def __init__(self, *codes: Ints) -> None:
        """`codes` have the shape (rows,) each; rows with a NONE among them are not found."""
        there = np.flatnonzero(np.logical_and.reduce([c != NONE for c in codes]))
        self._widths = [int(c.max(initial=NONE)) + 1 for c in codes]
        keys = self._keys([c[there] for c in codes])
        order = np.argsort(keys, kind="stable")
        self._sorted, self._rows = keys[order], there[order]

    def find(self, *codes: Ints) -> Ints:
        """The rows with those `codes`, all of one shape, in that shape; NONE where there is none."""
        known = [(c != NONE) & (c < width) for c, width in zip(codes, self._widths, strict=True)]
        found = np.full(np.shape(codes[0]), NONE, np.int64)
        there = np.nonzero(np.logical_and.reduce(known))
        if not len(self._sorted):
            return found
        wanted = self._keys([c[there] for c in codes])
        # The keys are stable in their order, so the last of equal ones is the last row.
        at = np.maximum(np.searchsorted(self._sorted, wanted, side="right") - 1, 0)
        found[there] = np.where(self._sorted[at] == wanted, self._rows[at], NONE)
        return found

    def _keys(self, codes: Sequence[Ints]) -> Ints:
        keys = np.zeros(len(codes[0]), np.int64)
        for mine, width in zip(codes, self._widths, strict=True):
            keys = keys * width + mine
        return keys
