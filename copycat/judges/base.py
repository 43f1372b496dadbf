"""What a judge is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from copycat.catalog import Catalog
from copycat.judges.card import JudgeCard
from copycat.records import Question, Verdict, digest

if TYPE_CHECKING:
    from PIL.Image import Image


class Judge(ABC):
    """Looks at pictures and answers. Built from a judge card and a device."""

    identity: str
    """Card name and weights identity."""
    batch_size: int

    @abstractmethod
    def __init__(self, card: JudgeCard, device: str) -> None: ...

    @abstractmethod
    def ask(self, questions: Sequence[Question], images: Sequence[Image]) -> list[Verdict]:
        """One verdict a question, in order; what it could not answer is `unscored` with a reason.

        Question i is about image i.
        """


CATALOG: Catalog[type[Judge]] = Catalog(
    "judge-kinds",
    singular="judge kind",
    builtin={
        "transformers-vlm": "copycat.judges.vlm:VisionLanguageJudge",
        "openai-chat": "copycat.judges.openai_chat:OpenAIChatJudge",
    },
)


def load_judge(card: JudgeCard, device: str) -> Judge:
    """The judge that `card` asks for, on `device` (resolved, not `auto`)."""
    return CATALOG.get(card.kind)(card, device)


def question_hash(question: Question) -> str:
    """Identity of what is asked, whatever picture it is asked about."""
    return digest({"kind": question.kind, "text": question.text})


def verdict(question: Question, judge: str, **answer: Any) -> Verdict:
    """The verdict on `question`."""
    return Verdict(
        request=question.request,
        frame=question.frame,
        kind=question.kind,
        image_sha256=question.sha256,
        judge=judge,
        question=question.text,
        item=question.item,
        question_hash=question_hash(question),
        **answer,
    )


def unscored(question: Question, judge: str, reason: str) -> Verdict:
    """The verdict of a judge that failed or did not answer."""
    return verdict(question, judge, status="unscored", reason=reason)
