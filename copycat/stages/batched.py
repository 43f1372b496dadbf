"""Batched: calls to a hosted model in batches of its provider; a part of generate and judge.

    written ──► entered ──► uploaded ──► begun ──► ended ──► answers in the run ──► forgotten
    (state)    (ledger)     (state)     (state)              (ledger, rows)

After each arrow what is known is on disk. A batch whose file was not uploaded was never begun; of one that
was, the provider is asked whether it has begun it. So a killed command pays nothing twice.
"""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic

from copycat.errors import CopycatError, MissingRequirement
from copycat.io.atomic import disk_guard
from copycat.io.hosted import Batch, Batches, Item, NoSuchBatch, NotBegun
from copycat.io.hosted.batches import FULL
from copycat.io.ledger import Ledger, Ticket
from copycat.runs.sent_batches import SentBatch, SentBatches
from copycat.stages.batch_work import BatchWork, I, R, read, write

_LOG = logging.getLogger(__name__)
_AT_ONCE = 20
"""Batches that lie with the provider at a time."""
_ATTEMPTS = 2
"""Batches that an item is sent in before it counts as failed, where another one can help."""
_FIRST, _LONGEST = 0.5, 60.0
"""Seconds between two looks at what the provider has done."""


@contextmanager
def batched(
    work: BatchWork[I, R], kept: SentBatches, ledger: Ledger, items: Sequence[I]
) -> Iterator[Batched[I, R]]:
    """Sends batches of `work` and awaits them; `items` are all that answers can be about."""
    provider = work.provider()
    found = Batched(work, provider, kept, ledger, items)
    try:
        yield found
    finally:
        found.leave()
        provider.close()


@dataclass
class _Flying:
    """A batch that was begun, with the ledger's tickets of its calls that have not ended there yet."""

    sent: SentBatch
    tickets: dict[str, Ticket]


class Batched(Generic[I, R]):
    """Batches to one model, seen from the command that sends or awaits them.

    Both methods raise MissingRequirement where a batch is refused, expires or is cancelled, at the cap of the
    ledger, and where the work says that it is in vain. Answers are kept then, and batches that were begun are
    taken up later.
    """

    def __init__(
        self,
        work: BatchWork[I, R],
        provider: Batches,
        kept: SentBatches,
        ledger: Ledger,
        items: Sequence[I],
    ) -> None:
        self._work, self._provider, self._kept, self._ledger = work, provider, kept, ledger
        self._items = {work.key(item): item for item in items}
        self._waiting: deque[I] = deque()
        self._flying: list[_Flying] = []
        self._most = _AT_ONCE
        self._attempts: Counter[str] = Counter()
        self._again = True
        """Whether what another attempt can help is sent once more."""

    def ask(self, items: Sequence[I]) -> None:
        """Send all `items`, and take in what comes of them."""
        self._waiting.extend(items)
        self._run()

    def take_up(self, batches: Sequence[SentBatch]) -> None:
        """Take in what comes of `batches` that another command sent. What failed and another attempt can help
        stays open."""
        self._again = False
        for sent in batches:
            tickets = self._ledger.take_up([c.entry for c in sent.calls])
            with self._known(sent):
                batch = sent.batch or (self._provider.find(sent.file) if sent.file else None)
            if batch is None:
                self._drop(sent, tickets)
                continue
            self._take_off(sent.model_copy(update={"batch": batch}), tickets)
            told = "%s: a batch of %d %s was sent before (%s); waiting for its answers."
            _LOG.warning(told, self._work.who, len(sent.calls), self._work.noun, batch)
        self._run()

    def leave(self) -> None:
        """What is under way stays with the provider, counted with the most that it can cost."""
        self._ledger.end_all([t for f in self._flying for t in f.tickets.values()])
        self._flying.clear()

    def _run(self) -> None:
        pause, room = _FIRST, True
        while self._waiting or self._flying:
            while room and self._waiting and len(self._flying) < self._most:
                room = self._send()
            looked = [(f, self._look(f.sent)) for f in self._flying]
            for flying, batch in looked:
                if batch.ended:
                    self._flying.remove(flying)
                    self._land(flying, batch)
                    room = True
            if self._flying and not any(batch.ended for _, batch in looked):
                self._provider.rest(pause)
                pause = min(1.5 * pause, _LONGEST)

    def _look(self, sent: SentBatch) -> Batch:
        with self._known(sent):
            return self._provider.look(str(sent.batch))

    @contextmanager
    def _known(self, sent: SentBatch) -> Iterator[None]:
        """Say what to do about a batch that its provider does not know, which may have been paid."""
        try:
            yield
        except NoSuchBatch as e:
            raise MissingRequirement(
                f"{self._work.who}: its provider does not tell of a batch that was sent before "
                f"({sent.batch or sent.file}). Perhaps it was sent with another key; if it is gone, remove "
                f"{self._kept.path(sent)}, and its {self._work.noun} are asked for again. What is finished "
                "is kept."
            ) from e

    def _send(self) -> bool:
        """Send the next batch; False where the cap has no room for it until another one ends."""
        written = write(self._work, self._provider.endpoint, self._waiting, self._kept)
        path = self._kept.calls_path(written.name)
        self._work.keep(written.not_sent)
        self._work.check()
        if not written.calls:
            self._kept.drop_calls(written.name)
            return True
        sent, tickets = written.sent(self._work.identity, len(written.calls)), list[Ticket]()
        try:
            self._kept.keep(sent)
            tickets = self._ledger.begin_all([c.entry for c in sent.calls])
            fit = len(tickets)
            self._waiting.extendleft(reversed(written.items[fit:]))
            if not fit:
                self._kept.forget(sent)
                return False
            if fit < len(written.calls):
                with disk_guard(path), path.open("rb+") as f:
                    f.truncate(written.ends[fit - 1])
                sent = written.sent(self._work.identity, fit)
            sent = sent.model_copy(update={"file": self._provider.upload(path)})
        except CopycatError:
            self._drop(sent, tickets)
            raise
        self._begin(sent, tickets)
        return True

    def _begin(self, sent: SentBatch, tickets: Sequence[Ticket]) -> None:
        """Begin a batch whose file is uploaded; it is paid from now on."""
        try:
            self._kept.keep(sent)
            self._kept.drop_calls(sent.name)
            batch = self._provider.begin(str(sent.file))
        except NotBegun:
            self._drop(sent, tickets)
            raise
        except BaseException:
            # It may have been begun: the next command finds out.
            self._ledger.end_all(tickets)
            raise
        self._take_off(sent.model_copy(update={"batch": batch}), tickets)
        told = (
            "%s: sent %d %s in a batch (%s), which may take up to a day. Nothing is lost when this is "
            "stopped: the same command waits for it again."
        )
        _LOG.warning(told, self._work.who, len(sent.calls), self._work.noun, batch)

    def _take_off(self, sent: SentBatch, tickets: Sequence[Ticket]) -> None:
        self._flying.append(_Flying(sent, {t.entry.call: t for t in tickets}))
        self._kept.keep(sent)

    def _land(self, flying: _Flying, batch: Batch) -> None:
        """Take in what came of a batch that has ended."""
        sent, tickets = flying.sent, list(flying.tickets.values())
        if batch.status == "failed":
            self._refused(flying, batch)
            return
        answers = self._answers(sent, batch)
        completed = batch.status == "completed"
        found = read(self._work, self._asked_in(sent), answers, flying.tickets, completed=completed)
        self._ledger.end_all(tickets)
        for item, result in found.again if self._again else ():
            key = self._work.key(item)
            self._attempts[key] += 1
            if self._attempts[key] < _ATTEMPTS:
                self._waiting.append(item)
            else:
                found.said.append((item, result))
        self._work.keep(found.said)
        self._kept.forget(sent)
        self._provider.forget([str(sent.file), *batch.files])
        self._work.check()
        if found.fatal is not None:
            raise found.fatal
        if not completed:
            how = "expired" if batch.status == "expired" else "was cancelled"
            answered = sum(answer.body is not None for answer in answers.values())
            raise MissingRequirement(
                f"{self._work.who}: a batch {how} with {answered} of {len(sent.calls)} {self._work.noun} "
                "answered, which are kept; the same command asks for the rest, without --batch one by one "
                "and at once."
            )

    def _refused(self, flying: _Flying, batch: Batch) -> None:
        """A batch was refused when its provider read the file. Raises MissingRequirement, but where only too
        much was sent at once."""
        sent = flying.sent
        self._drop(sent, list(flying.tickets.values()))
        if batch.code == FULL and self._flying and self._again:
            self._most = len(self._flying)
            self._waiting.extend(self._asked_in(sent).values())
            return
        why = batch.why or batch.code or "it does not say why"
        raise MissingRequirement(
            f"{self._work.who}: its provider refused a batch of {len(sent.calls)} {self._work.noun} "
            f"({why.rstrip('.')}); nothing of it is paid. Leave --batch out to ask one by one. "
            "What is finished is kept."
        )

    def _answers(self, sent: SentBatch, batch: Batch) -> dict[str, Item]:
        """What came of each call of `sent`; what is told twice counts as it is told first."""
        names, found = {c.entry.call for c in sent.calls}, dict[str, Item]()
        with self._known(sent):
            for item in self._provider.items(batch):
                if item.name in names:
                    found.setdefault(item.name, item)
        return found

    def _asked_in(self, sent: SentBatch) -> dict[str, I]:
        """The items of `sent` that are still asked about, by the names of their calls."""
        calls = {c.entry.call: c.about for c in sent.calls}
        return {name: self._items[about] for name, about in calls.items() if about in self._items}

    def _drop(self, sent: SentBatch, tickets: Sequence[Ticket]) -> None:
        """Of a batch that was never begun nothing is paid."""
        for ticket in tickets:
            ticket.free()
        self._ledger.end_all(tickets)
        self._kept.forget(sent)
        if sent.file:
            self._provider.forget([sent.file])
