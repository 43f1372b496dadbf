"""The rows that measures read, and what they make of each picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import overload

import numpy as np

from copycat.io.columns import NONE, Flags, Floats, Index, Ints, by_first, joint, pick
from copycat.io.rows import Rows, as_rows
from copycat.measures.pictures import Pictures
from copycat.records import Answer, ImageRow, Request, Unscored, Verdict, YesNo
from copycat.subjects.characters import Character, Registry


@dataclass(frozen=True)
class Evidence:
    """The rows that measures read: what was asked for, what became of it, and what one judge said."""

    requests: Sequence[Request]
    frames: Mapping[str, Sequence[ImageRow]]
    """The latest rows of each request: one for a picture, one for each judged frame of a video."""
    verdicts: Sequence[Verdict]
    registry: Registry
    shifts: Mapping[str, float] = field(default_factory=dict)
    """How far pictures are from those without a guardrail, by request; see `stages/shift.py`."""

    @cached_property
    def joined(self) -> Joined:
        """The same, joined column by column."""
        requests = as_rows(self.requests)
        pictures = Pictures.of(requests, self.frames)
        return Joined(requests, pictures, as_rows(self.verdicts), self.registry)

    @cached_property
    def kinds(self) -> frozenset[str]:
        """The kinds of questions that there are verdicts on."""
        column = self.joined.verdicts.column("kind")
        return frozenset(column.keys[code] for code in np.unique(column.codes))


class Joined:
    """Rows of a run, joined. Requests, pictures and verdicts go by their numbers, NONE for none."""

    def __init__(
        self, requests: Rows[Request], pictures: Pictures, verdicts: Rows[Verdict], registry: Registry
    ) -> None:
        self.requests, self.pictures, self.verdicts = requests, pictures, verdicts
        column = requests.column("character")
        self.characters = column.codes
        """Of each request, which of `people` it is about."""
        self.people: Sequence[Character | None] = [
            None if first == NONE else registry[slug]
            for slug, first in zip(column.keys, column.firsts, strict=True)
        ]
        """None for those that no request is about."""
        self._indices: dict[str, Index] = {}

    @cached_property
    def prompts(self) -> tuple[Ints, Ints]:
        """Which prompt each request has before any mitigation; and of each prompt the first request."""
        names = ("character", "prompt_set", "source_prompt", "content")
        return by_first(joint(*(self.requests.column(name).codes for name in names)))

    @cached_property
    def _about(self) -> Ints:
        """Of each verdict the code of its request among the identities of requests."""
        return self.verdicts.column("request").told_as(self.requests.column("id"))

    @cached_property
    def _drawn(self) -> Ints:
        """Of each picture the code of its hash among those of verdicts."""
        return self.pictures.rows.column("sha256").told_as(self.verdicts.column("image_sha256"))

    @cached_property
    def _ok(self) -> Flags:
        """Which pictures are whole."""
        return self.pictures.rows.column("outcome").where(["ok"])

    def verdicts_on(self, kind: str, requests: Ints, rows: Ints, item: Ints) -> Ints:
        """The last verdict on the question `kind` about each of `rows`, of shape (…, frames), or NONE.

        `requests` and `item`, the code of the thing asked about, have the shape (…).
        """
        ids, frame = self.requests.column("id"), self.verdicts.column("frame")
        if kind not in self._indices:
            mine = self.verdicts.column("kind").where([kind])
            asked = np.where(mine, self._about, NONE)
            self._indices[kind] = Index(asked, frame.codes, self.verdicts.column("item").codes)
        frames = pick(self.pictures.rows.column("frame").told_as(frame), rows)
        whose = np.broadcast_to(ids.codes[requests][:, None], rows.shape)
        return self._indices[kind].find(whose, frames, np.broadcast_to(item[:, None], rows.shape))

    def fits(self, rows: Ints, verdicts: Ints) -> Flags:
        """Whether `verdicts` are on the very pixels of the pictures in `rows`, which are whole."""
        said = self.verdicts.column("image_sha256").codes
        there = (rows != NONE) & (verdicts != NONE)
        found = np.zeros(rows.shape, bool)
        row, verdict = rows[there], verdicts[there]
        found[there] = (self._drawn[row] == said[verdict]) & self._ok[row]
        return found

    def read(
        self,
        verdicts: Ints,
        requests: Ints,
        read: Callable[[Answer, Character], float | None],
        many: Callable[[Floats], Floats | None],
    ) -> Floats:
        """What `read` makes of the answer of each of `verdicts` about the picture of each of `requests`, NaN
        for nothing; both of shape (verdicts,), without NONE.

        An answer that several share is read once for each character. `many` reads answers of yes or no all
        at once, by their P("Yes"), if it can.
        """
        answer, whom = self.verdicts.column("answer").take(verdicts), self.characters[requests]
        values = np.full(len(verdicts), np.nan)

        def number(found: Answer, character: int) -> float:
            who = self.people[character]
            value = None if isinstance(found, Unscored) or who is None else read(found, who)
            return np.nan if value is None else float(value)

        coded = np.flatnonzero(answer.codes != NONE)
        ranks, firsts = by_first(joint(answer.codes[coded], whom[coded]))
        distinct = [number(self.verdicts[int(verdicts[at])].answer, int(whom[at])) for at in coded[firsts]]
        values[coded] = np.array(distinct, float)[ranks]
        yes_no = np.flatnonzero(answer.codes == NONE)
        if len(yes_no) and answer.numbers is not None:
            p_yes, probability = answer.numbers[yes_no].T
            at_once = many(p_yes)
            values[yes_no] = (
                at_once
                if at_once is not None
                else [
                    number(YesNo(p_yes=p, answer_probability=None if q != q else q), c)
                    for p, q, c in zip(
                        p_yes.tolist(), probability.tolist(), whom[yes_no].tolist(), strict=True
                    )
                ]
            )
        return values


@dataclass(frozen=True)
class Observation:
    """What a measure makes of one picture planned, or of one video."""

    request: Request
    image: ImageRow | None
    """Its row; of a video that of the first frame. None while it is not made."""
    value: float | None
    """None unless the picture is `ok` and every item of it was answered."""
    verdicts: tuple[Verdict | None, ...] = ()
    """Those that decided, one an item; see :meth:`copycat.measures.Measure.decide`."""

    @property
    def verdict(self) -> Verdict | None:
        """The one that decided, of a measure that asks one thing."""
        return self.verdicts[0] if self.verdicts else None


class Observations(Sequence[Observation]):
    """What a measure makes of many pictures, each made an object when it is asked for."""

    def __init__(
        self,
        rows: Joined,
        requests: Ints,
        values: Floats,
        starts: Ints | None = None,
        verdicts: Ints | None = None,
    ) -> None:
        """Of the requests with those numbers the `values`, NaN for none. The `verdicts` that decided follow
        one another; those about a request begin at its `starts`, which has one place more."""
        self.rows, self.requests, self.values = rows, requests, values
        self._starts = np.zeros(len(requests) + 1, np.int64) if starts is None else starts
        self._verdicts = np.zeros(0, np.int64) if verdicts is None else verdicts

    def take(self, places: Ints) -> Observations:
        """Those at these places."""
        many = self._starts[places + 1] - self._starts[places]
        within = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
        verdicts = self._verdicts[np.repeat(self._starts[places], many) + within]
        starts = np.concatenate(([0], np.cumsum(many)))
        return Observations(self.rows, self.requests[places], self.values[places], starts, verdicts)

    def __len__(self) -> int:
        return len(self.requests)

    @overload
    def __getitem__(self, index: int) -> Observation: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Observation]: ...
    def __getitem__(self, index: int | slice) -> Observation | Sequence[Observation]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        at = range(len(self))[index]
        request, value = int(self.requests[at]), float(self.values[at])
        said = self._verdicts[self._starts[at] : self._starts[at + 1]].tolist()
        return Observation(
            self.rows.requests[request],
            self.rows.pictures.first(request),
            None if value != value else value,
            tuple(None if n == NONE else self.rows.verdicts[n] for n in said),
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]
