"""The numbers of many pictures, with what they are grouped by, as arrays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from copycat.io.columns import NONE, Codes, Flags, Floats, Ints, by_first, joint
from copycat.measures.evidence import Observation, Observations
from copycat.records import Outcome


@dataclass(frozen=True)
class Scores:
    """One place for each observation in all arrays."""

    values: Floats
    """NaN where there is none."""
    characters: Ints
    """The same number for the same character."""
    seeds: Ints
    """The same number for the same run seed."""

    @property
    def scored(self) -> Flags:
        """Where there is a value."""
        return ~np.isnan(self.values)

    @property
    def asked(self) -> int:
        """How many characters were asked for."""
        return len(np.unique(self.characters))

    def where(self, these: Flags) -> Scores:
        """Those places alone."""
        return Scores(self.values[these], self.characters[these], self.seeds[these])

    @cached_property
    def by_character(self) -> list[list[float]]:
        """The values of each character, characters and values in the order in which they first come; NaN
        where there is none."""
        ranks, firsts = by_first(self.characters)
        order = np.argsort(ranks, kind="stable")
        ends = np.cumsum(np.bincount(ranks, minlength=len(firsts)))
        values = self.values[order].tolist()
        return [
            values[begin:end] for begin, end in zip([0, *ends[:-1].tolist()], ends.tolist(), strict=False)
        ]


def scores(seen: Iterable[Observation]) -> Scores:
    """The numbers of `seen`."""
    if isinstance(seen, Observations):
        seeds = seen.rows.requests.column("run_seed").codes[seen.requests]
        return Scores(seen.values, seen.rows.characters[seen.requests], seeds)
    slugs, numbers, told = Codes(), Codes(), list(seen)
    return Scores(
        np.array([np.nan if o.value is None else o.value for o in told], float),
        np.array([slugs[o.request.character] for o in told], np.int64),
        np.array([numbers[o.request.run_seed] for o in told], np.int64),
    )


def outcomes(seen: Iterable[Observation]) -> dict[Outcome, int]:
    """How many pictures of `seen` came to which outcome; those that are not made count nowhere."""
    if not isinstance(seen, Observations):
        told = [o.image.outcome for o in seen if o.image]
        return {outcome: told.count(outcome) for outcome in dict.fromkeys(told)}
    first, column = seen.rows.pictures.firsts[seen.requests], seen.rows.pictures.rows.column("outcome")
    counts = np.bincount(column.codes[first[first != NONE]], minlength=len(column.known)).tolist()
    return dict(zip(column.keys, counts, strict=True))


def has_video(seen: Iterable[Observation]) -> bool:
    """Whether any of `seen` is of a video."""
    if not isinstance(seen, Observations):
        return any(o.request.sampling.frames for o in seen)
    column = seen.rows.requests.column("sampling")
    firsts = (int(column.firsts[code]) for code in np.unique(column.codes[seen.requests]))
    return any(seen.rows.requests[first].sampling.frames for first in firsts)


def by_group(seen: Iterable[Observation]) -> Mapping[tuple[str, str], Sequence[Observation]]:
    """`seen` by prompt set and mitigation."""
    if not isinstance(seen, Observations):
        found: dict[tuple[str, str], list[Observation]] = {}
        for o in seen:
            found.setdefault((o.request.prompt_set, o.request.mitigation), []).append(o)
        return found
    sets, mitigations = (seen.rows.requests.column(name) for name in ("prompt_set", "mitigation"))
    ranks, firsts = by_first(joint(sets.codes[seen.requests], mitigations.codes[seen.requests]))
    order = np.argsort(ranks, kind="stable")
    parts = np.split(order, np.cumsum(np.bincount(ranks))[:-1]) if len(order) else []
    names = (
        (sets.keys[sets.codes[r]], mitigations.keys[mitigations.codes[r]]) for r in seen.requests[firsts]
    )
    return {name: seen.take(part) for name, part in zip(names, parts, strict=True)}
