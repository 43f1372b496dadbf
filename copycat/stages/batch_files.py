"""Batch files: how questions become the file of a batch, and what the answers to it mean; a part of judge."""

from __future__ import annotations

import json
import uuid
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from copycat.errors import BadFile, MissingRequirement, UserError
from copycat.io.atomic import disk_guard
from copycat.io.hosted import Item
from copycat.io.hosted.batches import MOST_BYTES, MOST_CALLS
from copycat.io.ledger import Ticket, begun
from copycat.judges.base import InBatches, question_hash, unscored
from copycat.records import Question, Verdict
from copycat.runs.sent_batches import SentBatch, SentBatches, SentCall, key_of
from copycat.stages.asking import open_picture


@dataclass
class Written:
    """A batch in a file, not sent yet."""

    name: str
    calls: list[SentCall] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    """What each call asks."""
    ends: list[int] = field(default_factory=list)
    """Where in the file each call ends."""
    unopened: list[tuple[Question, Verdict]] = field(default_factory=list)
    """What is not sent, since its picture does not open, with the verdicts that say so."""

    def sent(self, judge: str, calls: int) -> SentBatch:
        """The first so many calls as a batch of `judge`."""
        return SentBatch(name=self.name, judge=judge, calls=tuple(self.calls[:calls]))


@dataclass
class Landed:
    """What came of a batch."""

    said: list[tuple[Question, Verdict]] = field(default_factory=list)
    again: list[tuple[Question, Verdict]] = field(default_factory=list)
    """What failed and another attempt can help, with the verdict if there is none."""
    fatal: UserError | None = None
    """What shows that no call can succeed."""


@dataclass(frozen=True)
class BatchFiles:
    """Files of one judge's questions about the pictures of one run."""

    card: str
    """The judge's name."""
    identity: str
    how: InBatches
    run: Path
    endpoint: str
    """Where each call would go alone."""

    def write(self, waiting: deque[Question], kept: SentBatches) -> Written:
        """A batch of what is `waiting`, from the front, as far as one file holds it."""
        written = Written(uuid.uuid4().hex)
        path = kept.calls_path(written.name)
        with disk_guard(path):
            path.parent.mkdir(exist_ok=True)
            with path.open("wb") as f:
                while waiting and len(written.calls) < MOST_CALLS:
                    made = self._call(waiting[0])
                    if isinstance(made, Verdict):
                        written.unopened.append((waiting.popleft(), made))
                        continue
                    call, line = made
                    if written.calls and f.tell() + len(line) > MOST_BYTES:
                        break
                    f.write(line)
                    written.questions.append(waiting.popleft())
                    written.calls.append(call)
                    written.ends.append(f.tell())
        return written

    def _call(self, question: Question) -> tuple[SentCall, bytes] | Verdict:
        """The call that asks `question`, and its line of the file; or the verdict that there is none."""
        try:
            image = open_picture(self.run, question.file, question.sha256)
        except BadFile as e:
            return unscored(question, self.identity, f"the picture does not open: {e}")
        body, call = self.how.body(question, image)
        entry = begun(self.card, "answer", self.how.tariff.most(call))
        line = {"custom_id": entry.call, "method": "POST", "url": self.endpoint, "body": body}
        return SentCall(entry=entry, question=key(question)), json.dumps(line).encode() + b"\n"

    def read(
        self,
        questions: Mapping[str, Question],
        items: Mapping[str, Item],
        tickets: Mapping[str, Ticket],
        *,
        completed: bool,
    ) -> Landed:
        """What `items` mean for the `questions` of a batch, both by the names of the calls; each of the
        `tickets` is told what its call cost. A batch that is not `completed` has calls without an item."""
        landed = Landed()
        for name, question in questions.items():
            self._read_item(question, items.get(name), tickets.get(name), landed, completed=completed)
        for name in items.keys() & tickets.keys() - questions.keys():
            # Nobody asks that any more; an answer stays counted with the most that it can cost.
            if items[name].body is None:
                tickets[name].free()
        return landed

    def _read_item(
        self, question: Question, item: Item | None, ticket: Ticket | None, landed: Landed, *, completed: bool
    ) -> None:
        if item is None and completed:
            # Perhaps it was worked on: it stays counted with the most that it can cost.
            why = "the answers to its batch hold none to it"
            landed.said.append((question, unscored(question, self.identity, why)))
        elif item is None or item.body is None:
            if ticket is not None:
                ticket.free()
            if item is not None and not item.expired:
                self._read_failure(question, item, landed)
        else:
            verdict, error = self._answer(question, item.body)
            if ticket is not None:
                ticket.settle(verdict.cost_usd, verdict.usage)
            landed.said.append((question, verdict))
            landed.fatal = landed.fatal or error

    def _answer(self, question: Question, body: Mapping[str, object]) -> tuple[Verdict, UserError | None]:
        try:
            return self.how.read(question, body), None
        except UserError as e:
            return unscored(question, self.identity, str(e)), e
        except Exception as e:  # noqa: BLE001  whatever an API sends becomes a row
            return unscored(question, self.identity, f"{type(e).__name__}: {e}"), None

    def _read_failure(self, question: Question, item: Item, landed: Landed) -> None:
        failure = item.failure
        if failure is None:
            return
        if failure.kind == "fatal":
            landed.fatal = landed.fatal or MissingRequirement(
                f"The judge {self.card} cannot be used ({failure.words}); what is finished is kept, and the "
                "same command resumes."
            )
            return
        verdict = unscored(question, self.identity, f"in a batch: {failure.words}")
        (landed.said if failure.kind == "permanent" else landed.again).append((question, verdict))


def key(question: Question) -> str:
    """What an answer to `question` belongs to."""
    return key_of(question, question_hash(question))
