"""What became of each request: its picture's latest row, or those of all judged frames of a video."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

import numpy as np

from copycat.io.columns import NONE, Index, Ints, pick
from copycat.io.rows import Rows, as_rows
from copycat.records import ImageRow, Request


class Pictures(Mapping[str, tuple[ImageRow, ...]]):
    """The latest rows of each request that is made, by its identity, in the plan's order."""

    def __init__(self, requests: Rows[Request], rows: Rows[ImageRow], numbers: Ints) -> None:
        """`numbers`, of shape (requests, most frames), says which of `rows` are whose, in the order of
        frames; NONE follows them where there are fewer."""
        self.requests, self.rows, self.numbers = requests, rows, numbers

    @classmethod
    def latest(cls, requests: Sequence[Request], images: Sequence[ImageRow]) -> Pictures:
        """Those of `images` that count, as they were written, earlier attempts among them.

        A video of which any row is missing, because the run was cut off there, is not yet made.
        """
        planned, rows = as_rows(requests), as_rows(images)
        ids, frame = planned.column("id"), rows.column("frame")
        index = Index(rows.column("request").told_as(ids), frame.codes)

        def of(these: Ints, number: int) -> Ints:
            return index.find(ids.codes[these], np.full(len(these), frame.code(number)))

        every = np.arange(len(planned))
        first = of(every, 0)
        outcome = rows.column("outcome")
        failed = (first != NONE) & (pick(outcome.codes, first) != outcome.code("ok"))
        judged, kinds = _judged(planned)
        numbers = np.full((len(planned), max((len(j) for j in judged), default=1) or 1), NONE, np.int64)
        for kind, frames in enumerate(judged):
            mine = np.flatnonzero((kinds == kind) & ~failed)
            found = np.stack([of(mine, f) for f in frames], axis=1) if frames else numbers[mine, :0]
            whole = (found != NONE).all(axis=1)
            numbers[mine[whole], : len(frames)] = found[whole]
        numbers[failed, 0] = first[failed]
        return cls(planned, rows, numbers)

    @classmethod
    def of(cls, requests: Rows[Request], frames: Mapping[str, Sequence[ImageRow]]) -> Pictures:
        """The rows that `frames` has of `requests`."""
        if isinstance(frames, Pictures) and frames.requests is requests:
            return frames
        found = [frames.get(r.id, ()) for r in requests]
        numbers = np.full((len(found), max(map(len, found), default=1) or 1), NONE, np.int64)
        flat: list[ImageRow] = []
        for i, mine in enumerate(found):
            numbers[i, : len(mine)] = np.arange(len(flat), len(flat) + len(mine))
            flat += mine
        return cls(requests, as_rows(flat), numbers)

    @cached_property
    def firsts(self) -> Ints:
        """Of each request the number of its first row; NONE where it is not made."""
        return self.numbers[:, 0]

    @cached_property
    def failed(self) -> int:
        """How many requests ended in an error."""
        made = self.firsts[self.firsts != NONE]
        return int(self.rows.column("outcome").where(["error"])[made].sum())

    def first(self, request: int) -> ImageRow | None:
        """The row of the request with this number; of a video that of the first frame. None where it is not
        made."""
        number = int(self.firsts[request])
        return None if number == NONE else self.rows[number]

    def _at(self, request: object) -> int:
        """The number of a request that is made; else NONE."""
        ids = self.requests.column("id")
        code = ids.code(request) if isinstance(request, str) else NONE
        at = int(ids.firsts[code]) if code != NONE else NONE
        return at if at != NONE and self.firsts[at] != NONE else NONE

    def __contains__(self, request: object) -> bool:
        return self._at(request) != NONE

    def __getitem__(self, request: str) -> tuple[ImageRow, ...]:
        at = self._at(request)
        if at == NONE:
            raise KeyError(request)
        return tuple(self.rows[int(n)] for n in self.numbers[at] if n != NONE)

    def __iter__(self) -> Iterator[str]:
        ids = self.requests.column("id")
        made = np.flatnonzero(self.firsts != NONE)
        return (ids.keys[code] for code in dict.fromkeys(ids.codes[made].tolist()))

    def __len__(self) -> int:
        return len(np.unique(self.requests.column("id").codes[self.firsts != NONE]))


class FirstFrames(Mapping[str, ImageRow]):
    """Of each request that is made its row; of a video that of its first frame."""

    def __init__(self, pictures: Pictures) -> None:
        self._pictures = pictures

    def __getitem__(self, request: str) -> ImageRow:
        return self._pictures[request][0]

    def __contains__(self, request: object) -> bool:
        return request in self._pictures

    def __iter__(self) -> Iterator[str]:
        return iter(self._pictures)

    def __len__(self) -> int:
        return len(self._pictures)


def _judged(requests: Rows[Request]) -> tuple[list[tuple[int, ...]], Ints]:
    """The different tuples of frames that are judged, and which of them is each request's."""
    sampling = requests.column("sampling")
    kinds: dict[tuple[int, ...], int] = {}
    by_code = [
        NONE if first == NONE else kinds.setdefault(requests[int(first)].sampling.judged, len(kinds))
        for first in sampling.firsts
    ]
    return list(kinds), np.array(by_code, np.int64)[sampling.codes] if by_code else sampling.codes
