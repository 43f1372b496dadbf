"""What hosted calls cost: a journal, written before and after every call, and a cap that is never passed.

A call is entered with the most it can cost before it is made, and with what it did cost afterwards. What was
entered and never ended, because the process was killed in between, counts as spent: it may have been paid.
Threads and processes share one file, each change of which is made under its lock and on disk before the call
goes on.
"""

from __future__ import annotations

import math
import os
import threading
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from copycat.errors import BadFile, MissingRequirement, UserError, first_fault
from copycat.io.atomic import disk_guard, locked
from copycat.io.secrets import clean
from copycat.records import Row, Usage

What = Literal["picture", "answer", "reply"]
"""A picture that was drawn, an answer of a judge, a reply of a language model."""
_NANO = 10**9
"""Sums are of whole billionths of a dollar, so that they are exact."""


class Entry(Row):
    """One line: a call that begins, or that has ended."""

    call: str
    """Tells calls apart."""
    at: str
    """UTC, ISO 8601."""
    who: str = ""
    """Name of the card whose model is called."""
    what: What = "picture"
    ended: bool = False
    usd: float | None = None
    """Dollars: the most that the call can cost, or what it did cost once it has ended; None for unknown."""
    usage: Usage | None = None
    """Of a call that has ended, where the provider said so."""
    answered: bool = False
    """Whether a picture or an answer came of it."""
    calls: int = 1
    """Calls that the line stands for; more where those of earlier versions are entered together."""


class Spent(Row):
    """What a run's hosted calls came to."""

    calls: int = Field(default=0, ge=0)
    pictures: int = Field(default=0, ge=0)
    """Pictures that came of them."""
    answers: int = Field(default=0, ge=0)
    """Answers of judges."""
    replies: int = Field(default=0, ge=0)
    """Replies of language models."""
    tokens_in: int = Field(default=0, ge=0)
    """As far as providers said."""
    tokens_out: int = Field(default=0, ge=0)
    usd: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    """Dollars: of ended calls what they cost, where that is known."""
    open_usd: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    """Dollars, at most, of calls that began and whose end is not known, which count as spent."""
    unknown: int = Field(default=0, ge=0)
    """Calls whose cost is not known."""

    @property
    def counted(self) -> float:
        """What a cap is compared with, in dollars."""
        return round(self.usd + self.open_usd, 9)


def total(lines: Iterable[Entry]) -> Spent:
    """What the calls of all `lines` of a ledger came to; of a call with two lines the later one counts."""
    found = list({e.call: e for e in lines}.values())
    said = [e.usage for e in found if e.usage]
    ended = [e for e in found if e.ended]

    def came(what: What) -> int:
        return sum(e.calls for e in ended if e.answered and e.what == what)

    return Spent(
        calls=sum(e.calls for e in found),
        pictures=came("picture"),
        answers=came("answer"),
        replies=came("reply"),
        tokens_in=sum(u.tokens_in or 0 for u in said),
        tokens_out=sum(u.tokens_out or 0 for u in said),
        usd=sum(_nano(e.usd) for e in ended) / _NANO,
        open_usd=sum(_nano(e.usd) for e in found if not e.ended) / _NANO,
        unknown=sum(e.calls for e in found if e.usd is None),
    )


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def begun(who: str, what: What, most: float | None) -> Entry:
    """A call of `who` that is about to be made and costs at most `most` dollars."""
    return Entry(call=uuid.uuid4().hex, at=now(), who=who, what=what, usd=most)


def check_cap(cap: float | None) -> None:
    """Raise UserError for a cap that is no number of dollars above 0."""
    if cap is not None and not 0 < cap < math.inf:
        raise UserError(f"--max-cost is a number of dollars above 0, and {cap:g} is none.")


class Ledger:
    """The calls of one run, in one file, with the cap that they must not pass."""

    def __init__(self, path: Path, cap: float | None = None) -> None:
        """`cap` is in dollars, of all calls in the file together; None for no cap. Raises UserError for
        one that is not above 0 or not finite."""
        check_cap(cap)
        self.path, self.cap = path, cap
        self._read_to = 0
        self._entries: dict[str, Entry] = {}
        self._nano = 0
        self._mine = 0
        """Calls of this process that are under way."""
        self._settled = threading.Condition(threading.RLock())

    def __reduce__(self) -> tuple[type[Ledger], tuple[Path, float | None]]:
        return Ledger, (self.path, self.cap)

    def begin(self, who: str, what: What, most: float | None) -> Ticket:
        """Enter a call that is about to be made and costs at most `most` dollars.

        Raises MissingRequirement where it could pass the cap, and where there is a cap and `most` is not
        known. Whoever gets a ticket hands it to :meth:`end` when the call is over, however it ended.
        """
        self._check_bounded(who, most)
        ticket = Ticket(begun(who, what, most))
        with self._settled:
            # What is under way here may turn out cheaper than it was entered with, and make room.
            while not self._enter_within_cap(ticket.entry):
                if not self._mine:
                    raise MissingRequirement(self._told(ticket.entry))
                self._settled.wait()
            self._mine += 1
        return ticket

    def begin_all(self, entries: Sequence[Entry]) -> list[Ticket]:
        """Enter calls that are sent together: of `entries` (:func:`begun`) as many, from the first on, as the
        cap has room for. Waits for nothing. The tickets go to :meth:`end_all`.

        Raises MissingRequirement where none of them fits and no call is under way whose end may make room.
        """
        for entry in entries:
            self._check_bounded(entry.who, entry.usd)
        with self._settled:
            with self._locked():
                left = math.inf if self.cap is None else math.floor(self.cap * _NANO + 0.5) - self._nano
                fitting: list[Entry] = []
                for entry in entries:
                    left -= _nano(entry.usd)
                    if left < 0:
                        break
                    fitting.append(entry)
                if fitting:
                    self._append(*fitting)
            if entries and not fitting and not self._mine:
                raise MissingRequirement(self._told(entries[0]))
            self._mine += len(fitting)
        return [Ticket(entry) for entry in fitting]

    def take_up(self, entries: Sequence[Entry]) -> list[Ticket]:
        """Tickets for those of `entries` that another process entered and did not end: calls that it left
        under way, and that this one hears the end of."""
        with self._settled, self._locked():
            found = [self._entries.get(entry.call) for entry in entries]
            open_ = [Ticket(entry) for entry in found if entry is not None and not entry.ended]
            self._mine += len(open_)
        return open_

    def end(self, ticket: Ticket) -> None:
        """The call of `ticket` is over. One that was told nothing, since it broke off, stays counted with the
        most that it can cost."""
        self.end_all([ticket])

    def end_all(self, tickets: Sequence[Ticket]) -> None:
        """The same of several, in one write."""
        with self._settled:
            self._mine -= len(tickets)
            try:
                # A server may call its model what it likes, also by the key that it was sent.
                ended = [clean(t.ended) for t in tickets if t.ended]
                if ended:
                    with self._locked():
                        self._append(*ended)
            finally:
                self._settled.notify_all()

    def spent(self) -> Spent:
        """What all calls came to, by now."""
        if not self.path.exists():
            return Spent()
        with self._settled, self._locked():
            return total(self._entries.values())

    def enter(self, entry: Entry) -> None:
        """Add a line for calls that ended before there was a ledger."""
        with self._settled, self._locked():
            self._append(entry)

    def _check_bounded(self, who: str, most: float | None) -> None:
        """Raise MissingRequirement where there is a cap, and what a call costs at most is not known."""
        if self.cap is not None and most is None:
            raise MissingRequirement(
                f"What a call of {who} costs at most is not known, so --max-cost {self.cap:g} cannot be "
                "kept; say it in its card (`api: {price_usd: …}` of each call, or `ceiling_usd`), or leave "
                "--max-cost out. See docs/costs.md."
            )

    def _enter_within_cap(self, entry: Entry) -> bool:
        with self._locked():
            if self.cap is not None and self._nano + _nano(entry.usd) > math.floor(self.cap * _NANO + 0.5):
                return False
            self._append(entry)
        return True

    def _told(self, entry: Entry) -> str:
        return (
            f"The next call, of {entry.who}, costs up to ${_dollars(_nano(entry.usd))} and could pass "
            f"--max-cost {self.cap:g}: ${_dollars(self._nano)} are spent. What is finished is kept; the same "
            "command with a higher --max-cost goes on."
        )

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the file's lock, with all that others wrote into it read."""
        with locked(self.path.with_name(f".{self.path.name}.lock")):
            self._catch_up()
            yield

    def _catch_up(self) -> None:
        if not self.path.exists():
            return
        with disk_guard(self.path), self.path.open("rb") as f:
            f.seek(self._read_to)
            content = f.read()
        whole = content.rfind(b"\n") + 1
        for line in content[:whole].splitlines():
            try:
                self._take(Entry.model_validate_json(line))
            except ValidationError as e:
                raise BadFile(f"{self.path} holds a line that is no call ({first_fault(e)}).") from e
        self._read_to += whole
        if whole < len(content):
            # A process was killed as it wrote: of a call that had not begun, or of one that stays open.
            with disk_guard(self.path), self.path.open("rb+") as f:
                f.truncate(self._read_to)

    def _append(self, *entries: Entry) -> None:
        lines = "".join(f"{entry.model_dump_json(exclude_none=True)}\n" for entry in entries).encode()
        with disk_guard(self.path), self.path.open("ab") as f:
            f.write(lines)
            f.flush()
            os.fsync(f.fileno())
        self._read_to += len(lines)
        for entry in entries:
            self._take(entry)

    def _take(self, entry: Entry) -> None:
        before = self._entries.get(entry.call)
        self._nano += _nano(entry.usd) - _nano(before.usd if before else None)
        self._entries[entry.call] = entry


@dataclass
class Ticket:
    """One call that is under way."""

    entry: Entry
    ended: Entry | None = field(default=None, init=False)

    def settle(self, usd: float | None, usage: Usage | None = None, *, answered: bool = True) -> None:
        """The call has ended and cost `usd` dollars; None where nobody can tell, and it counts as entered."""
        told = self.entry.usd if usd is None else usd
        self.ended = self.entry.model_copy(
            update={"at": now(), "ended": True, "usd": told, "usage": usage, "answered": answered}
        )

    def free(self) -> None:
        """The provider has answered with an error, which it bills nobody for."""
        self.settle(0.0, answered=False)


def _nano(usd: float | None) -> int:
    return 0 if usd is None else math.ceil(usd * _NANO - 1e-3)


def _dollars(nano: int) -> str:
    return f"{nano / _NANO:.4f}"
