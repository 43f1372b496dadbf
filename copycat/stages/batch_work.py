"""Batch work: what is sent in batches, how it becomes a file, and what the answers mean; part of batched."""

from __future__ import annotations

import json
import uuid
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

from copycat.cards.prices import Call, Tariff
from copycat.errors import MissingRequirement, UserError
from copycat.io.atomic import disk_guard
from copycat.io.hosted import Batches, Failure, Item
from copycat.io.hosted.batches import MOST_BYTES, MOST_CALLS
from copycat.io.ledger import Ticket, What, begun
from copycat.records import Usage
from copycat.runs.sent_batches import SentBatch, SentBatches, SentCall

I = TypeVar("I")  # noqa: E741
R = TypeVar("R")


@dataclass(frozen=True)
class NotSent(Generic[R]):
    """What becomes of something that cannot be sent."""

    result: R


@dataclass
class Written(Generic[I, R]):
    """A batch in a file, not sent yet."""

    name: str
    calls: list[SentCall] = field(default_factory=list)
    items: list[I] = field(default_factory=list)
    """What each call is about."""
    ends: list[int] = field(default_factory=list)
    """Where in the file each call ends."""
    not_sent: list[tuple[I, R]] = field(default_factory=list)

    def sent(self, asked: str, calls: int) -> SentBatch:
        """The first so many calls as a batch that asks the model `asked`."""
        return SentBatch(name=self.name, asked=asked, calls=tuple(self.calls[:calls]))


@dataclass
class Landed(Generic[I, R]):
    """What came of a batch."""

    said: list[tuple[I, R]] = field(default_factory=list)
    again: list[tuple[I, R]] = field(default_factory=list)
    """What failed and another attempt can help, with what it comes to if there is none."""
    fatal: UserError | None = None
    """What shows that no call can succeed."""


@dataclass(frozen=True)
class BatchWork(ABC, Generic[I, R]):
    """Items that are sent to one hosted model in batches, and results that come of them."""

    card: str
    """The model's card, by name."""
    who: str
    """The model, to begin a sentence."""
    identity: str
    tariff: Tariff
    """What calls cost in a batch."""
    what: What
    noun: str
    """The items, in messages: "questions"."""
    most_calls: ClassVar[int] = MOST_CALLS
    """Of one batch."""

    @abstractmethod
    def provider(self) -> Batches:
        """Where batches are sent; to be closed."""

    @abstractmethod
    def key(self, item: I) -> str:
        """All that `item` is known by, in any process."""

    @abstractmethod
    def body(self, item: I) -> tuple[Mapping[str, Any], Call] | NotSent[R]:
        """What is sent for `item`, and that call, for its price."""

    @abstractmethod
    def answer(self, item: I, body: Mapping[str, Any]) -> R:
        """What an answer with that body comes to. Raises a UserError for one that shows that none will do."""

    @abstractmethod
    def failed(self, item: I, why: str, failure: Failure | None = None) -> R:
        """What `item` comes to without an answer."""

    @abstractmethod
    def cost(self, result: R) -> tuple[float | None, Usage | None]:
        """Dollars that an answer cost, None where that is not known, and what its provider said of it."""

    @abstractmethod
    def keep(self, results: Sequence[tuple[I, R]]) -> None:
        """Write `results`; on disk when this returns."""

    @abstractmethod
    def check(self) -> None:
        """Raise MissingRequirement where what was kept shows that going on is in vain."""


def write(work: BatchWork[I, R], endpoint: str, waiting: deque[I], kept: SentBatches) -> Written[I, R]:
    """A batch of what is `waiting`, from the front, as far as one file holds it; `endpoint` is where each
    call would go alone."""
    written = Written[I, R](uuid.uuid4().hex)
    path = kept.calls_path(written.name)
    with disk_guard(path):
        path.parent.mkdir(exist_ok=True)
        with path.open("wb") as f:
            while waiting and len(written.calls) < work.most_calls:
                made = work.body(waiting[0])
                if isinstance(made, NotSent):
                    written.not_sent.append((waiting.popleft(), made.result))
                    continue
                body, call = made
                entry = begun(work.card, work.what, work.tariff.most(call))
                told = {"custom_id": entry.call, "method": "POST", "url": endpoint, "body": body}
                line = json.dumps(told).encode() + b"\n"
                if written.calls and f.tell() + len(line) > MOST_BYTES:
                    break
                f.write(line)
                item = waiting.popleft()
                written.items.append(item)
                written.calls.append(SentCall(entry=entry, about=work.key(item)))
                written.ends.append(f.tell())
    return written


def read(
    work: BatchWork[I, R],
    asked: Mapping[str, I],
    answers: Mapping[str, Item],
    tickets: Mapping[str, Ticket],
    *,
    completed: bool,
) -> Landed[I, R]:
    """What `answers` mean for the items that are `asked` about, both by the names of the calls; each of the
    `tickets` is told what its call cost. A batch that is not `completed` has calls without an answer."""
    landed = Landed[I, R]()
    for name, item in asked.items():
        _read(work, item, answers.get(name), tickets.get(name), landed, completed=completed)
    for name in answers.keys() & tickets.keys() - asked.keys():
        # Nobody asks that any more; an answer stays counted with the most that it can cost.
        if answers[name].body is None:
            tickets[name].free()
    return landed


def _read(
    work: BatchWork[I, R],
    item: I,
    answer: Item | None,
    ticket: Ticket | None,
    landed: Landed[I, R],
    *,
    completed: bool,
) -> None:
    if answer is None and completed:
        # Perhaps it was worked on: it stays counted with the most that it can cost.
        landed.said.append((item, work.failed(item, "the answers to its batch hold none to it")))
    elif answer is None or answer.body is None:
        if ticket is not None:
            ticket.free()
        if answer is not None and answer.failure is not None and not answer.expired:
            _read_failure(work, item, answer.failure, landed)
    else:
        try:
            result = work.answer(item, answer.body)
        except UserError as e:
            landed.fatal = landed.fatal or e
            result = work.failed(item, str(e))
        except Exception as e:  # noqa: BLE001  whatever an API sends becomes a row
            result = work.failed(item, f"{type(e).__name__}: {e}")
        if ticket is not None:
            ticket.settle(*work.cost(result))
        landed.said.append((item, result))


def _read_failure(work: BatchWork[I, R], item: I, failure: Failure, landed: Landed[I, R]) -> None:
    if failure.kind == "fatal":
        landed.fatal = landed.fatal or MissingRequirement(
            f"{work.who} cannot be used ({failure.words}); what is finished is kept, and the same command "
            "resumes."
        )
        return
    result = work.failed(item, f"in a batch: {failure.words}", failure)
    (landed.said if failure.kind == "permanent" else landed.again).append((item, result))
