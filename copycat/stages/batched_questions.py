"""Batched questions: a hosted judge asked in batches of its provider; a part of judge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from copycat.cards.judges import JudgeCard
from copycat.cards.prices import Call
from copycat.errors import BadFile, UserError
from copycat.io.hosted import Batches, Failure
from copycat.io.ledger import Ledger
from copycat.judges.base import InBatches, load_judge, question_hash, unscored
from copycat.records import Question, Usage, Verdict, digest
from copycat.runs.sent_batches import SentBatch
from copycat.stages.asking import open_picture
from copycat.stages.batch_work import BatchWork, NotSent
from copycat.stages.batched import Batched, batched
from copycat.stages.intake import Intake


def ask_in_batches(card: JudgeCard, intake: Intake, ledger: Ledger, questions: Sequence[Question]) -> None:
    """Ask the judge of `card` all `questions`; raises as :class:`copycat.stages.batched.Batched` says, and
    MissingRequirement after ten failures in a row."""
    with _asking(card, intake, ledger, questions) as asked:
        asked.ask(questions)


def take_up_batches(
    card: JudgeCard, intake: Intake, ledger: Ledger, sent: Sequence[SentBatch], questions: Sequence[Question]
) -> None:
    """Take in the answers of batches that another command `sent`, to those of `questions` that are in them.

    What one of them failed to answer stays open. Raises as :func:`ask_in_batches`.
    """
    with _asking(card, intake, ledger, questions) as asked:
        asked.take_up(sent)


@contextmanager
def _asking(
    card: JudgeCard, intake: Intake, ledger: Ledger, questions: Sequence[Question]
) -> Iterator[Batched[Question, Verdict]]:
    with load_judge(card, "cpu") as judge:
        # It may ask something alone first.
        judge.charge(ledger)
        how = judge.in_batches()
        if how is None:
            raise UserError(f"The judge {card.name} cannot be asked in batches; leave --batch out.")
        work = QuestionWork(
            card=card.name,
            who=f"The judge {card.name}",
            identity=judge.identity,
            tariff=how.tariff,
            what="answer",
            noun="questions",
            how=how,
            intake=intake,
        )
        with batched(work, intake.folder.batches, ledger, questions) as found:
            yield found


@dataclass(frozen=True)
class QuestionWork(BatchWork[Question, Verdict]):
    """Questions about the pictures of one run."""

    how: InBatches = field(kw_only=True)
    intake: Intake = field(kw_only=True)
    fresh: list[Verdict] = field(default_factory=list, kw_only=True)
    """Verdicts that were kept since the last check."""

    def provider(self) -> Batches:
        return self.how.provider()

    def key(self, item: Question) -> str:
        return digest([item.request, item.frame, item.kind, question_hash(item), item.sha256])

    def body(self, item: Question) -> tuple[Mapping[str, Any], Call] | NotSent[Verdict]:
        try:
            image = open_picture(self.intake.folder.path, item.file, item.sha256)
        except BadFile as e:
            return NotSent(self.failed(item, f"the picture does not open: {e}"))
        return self.how.body(item, image)

    def answer(self, item: Question, body: Mapping[str, Any]) -> Verdict:
        return self.how.read(item, body)

    def failed(self, item: Question, why: str, failure: Failure | None = None) -> Verdict:  # noqa: ARG002
        return unscored(item, self.identity, why)

    def cost(self, result: Verdict) -> tuple[float | None, Usage | None]:
        return result.cost_usd, result.usage

    def keep(self, results: Sequence[tuple[Question, Verdict]]) -> None:
        self.fresh.extend(self.intake.keep(results))

    def check(self) -> None:
        fresh = self.fresh.copy()
        self.fresh.clear()
        self.intake.count(fresh)
