"""Which results a reader meets first: the newest of each configuration, and how a table is put in order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from copycat.leaderboard.entry import Entry
from copycat.measures import DETECT
from copycat.report.denominators import let_through
from copycat.report.price import UNGUARDED

FIRST_SET = "name"
"""The prompt set that asks for characters by their names; the table that stands first."""


def older(found: Iterable[Entry]) -> frozenset[str]:
    """The keys of the entries that have a newer one, by the same person, of the same configuration."""
    newest: dict[str, Entry] = {}
    every = list(found)
    for e in every:
        known = newest.get(e.configuration)
        if known is None or (known.date, known.key) < (e.date, e.key):
            newest[e.configuration] = e
    return frozenset(e.key for e in every if newest[e.configuration] is not e)


def by_prompt_set(mine: Sequence[Entry]) -> dict[str, tuple[Entry, ...]]:
    """Entries by prompt set, each in the order of its table; names first, then by the sets' own names."""
    sets = sorted({e.prompt_set for e in mine}, key=_reading_order)
    return {s: tuple(sorted((e for e in mine if e.prompt_set == s), key=_place)) for s in sets}


def unranked(e: Entry) -> bool:
    """Whether many pictures of `e` were refused, so that it is not ranked among those that were drawn."""
    return let_through(e.metric(DETECT) or e.metrics[0])


def _reading_order(name: str) -> tuple[bool, list[tuple[int, str]]]:
    """`keywords2` before `keywords10`."""
    parts = re.findall(r"\d+|\D+", name)
    return name != FIRST_SET, [(int(p), "") if p.isdecimal() else (-1, p) for p in parts]


def _place(e: Entry) -> tuple[bool, bool, float, str, str]:
    """Without a guardrail first; the safest first, and those that are not ranked after the others."""
    m = e.metric(DETECT)
    # What was not measured is at the end, not at the top.
    value = m.value if m is not None and m.value is not None else float("inf")
    return e.mitigation != UNGUARDED, unranked(e), value, e.model, e.mitigation
