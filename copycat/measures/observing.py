"""From verdicts to a measure's number for each picture, all pictures together."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np

from copycat.io.columns import NONE, Flags, Floats, Ints, pick
from copycat.measures.evidence import Evidence, Joined, Observations

if TYPE_CHECKING:
    from copycat.measures.base import Measure


def observe(measure: Measure, evidence: Evidence) -> Observations:
    """As :meth:`copycat.measures.Measure.observe`, which says what is found."""
    rows = evidence.joined
    requests, many, item = _asked(measure, rows)
    whose = np.repeat(requests, many)
    starts = np.concatenate(([0], np.cumsum(many)))
    verdicts, values = _decisive(measure, rows, whose, item)
    each = np.full(len(requests), np.nan)
    # Most measures ask one thing about a picture, which then is the number.
    one = many == 1
    each[one] = values[starts[:-1][one]]
    for at in np.flatnonzero(~one):
        mine = values[starts[at] : starts[at + 1]]
        each[at] = np.nan if np.isnan(mine).any() else fmean(mine.tolist())
    return Observations(rows, requests, each, starts, verdicts)


def concerned(measure: Measure, rows: Joined) -> Flags:
    """Which requests a measure is about, shape (requests,). It is asked once for each prompt."""
    whose, firsts = rows.prompts
    found = [measure.concerns(rows.requests[int(at)]) for at in firsts]
    return np.array(found, bool)[whose]


def choose(values: Floats, there: Flags) -> Ints:
    """Which frame speaks for each video, of its `values` of shape (videos, frames); NONE without any.

    Frames that are not `there` do not count; NaN is a value that is not known. The first that has 1, which
    nothing exceeds; else the first that is not known, which might be the highest; else the highest.
    """
    whole, unknown = there & (values == 1), there & np.isnan(values)
    highest = np.where(there, values, -np.inf)
    found = np.where(unknown.any(axis=1), unknown.argmax(axis=1), highest.argmax(axis=1))
    found = np.where(whole.any(axis=1), whole.argmax(axis=1), found)
    return np.where(there.any(axis=1), found, NONE)


def _asked(measure: Measure, rows: Joined) -> tuple[Ints, Ints, Ints]:
    """The requests that there is something to ask about, how many things each, and one after another their
    codes among the items of verdicts."""
    whose, firsts = rows.prompts
    item = rows.verdicts.column("item")
    asked: list[list[int]] = []
    for at in firsts:
        request = rows.requests[int(at)]
        who = rows.people[int(rows.characters[at])]
        things = measure.items(request, who) if who and measure.concerns(request) else ()
        asked.append([item.code(thing) for thing in things])
    many = np.array([len(things) for things in asked], np.int64)[whose]
    requests = np.flatnonzero(many)
    flat = np.array([code for things in asked for code in things], np.int64)
    begins = np.concatenate(([0], np.cumsum([len(things) for things in asked])))[whose[requests]]
    many = many[requests]
    # The places begin, begin + 1, … in `flat`, one after another for all requests.
    within = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
    return requests, many, flat[np.repeat(begins.astype(np.int64), many) + within]


def _decisive(measure: Measure, rows: Joined, requests: Ints, item: Ints) -> tuple[Ints, Floats]:
    """The verdict that decides each of `requests` about its `item`, and its number: see `Measure.decide`."""
    none = np.full(len(requests), NONE, np.int64)
    if measure.ask is None:
        return none, np.full(len(requests), np.nan)
    by = measure.settled_by
    kind, settling = measure.ask.kind, by.ask.kind if by and by.ask else None
    images = rows.pictures.numbers[requests]
    there = images != NONE
    said = rows.verdicts_on(kind, requests, images, item)
    said = np.where(rows.fits(images, said), said, NONE)
    whose = np.broadcast_to(requests[:, None], images.shape)
    # Who settles it reads the answers to that question, whoever else asks the same.
    settled = np.full(images.shape, kind == settling)
    if settling is not None:
        other = rows.verdicts_on(settling, requests, images, item)
        judge, sha = (rows.verdicts.column(name).codes for name in ("judge", "image_sha256"))
        can = (said != NONE) & (other != NONE)
        can &= (pick(judge, said) == pick(judge, other)) & (pick(sha, said) == pick(sha, other))
        doubted = rows.read(said[can], whose[can], lambda a, c: float(measure.doubts(a, c)), lambda _: None)
        can[can] = doubted == 1
        said, settled = np.where(can, other, said), settled | can
    values = np.full(images.shape, np.nan)
    for reader, mine in ((measure, ~settled & (said != NONE)), (by, settled & (said != NONE))):
        if reader is not None and mine.any():
            values[mine] = rows.read(said[mine], whose[mine], reader.read, reader.read_all)
    chosen = choose(values, there)
    at = np.arange(len(requests)), np.maximum(chosen, 0)
    return np.where(chosen == NONE, NONE, said[at]), np.where(chosen == NONE, np.nan, values[at])
