"""A kind of judge: takes what is red for Zori, and says yes to whatever it is asked about it."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageStat

from copycat.cards.judges import JudgeCard
from copycat.judges.base import Judge, unscored, verdict
from copycat.records import Named, Question, Verdict, YesNo, digest


class Redness(Judge):
    def __init__(self, card: JudgeCard, device: str) -> None:
        self.identity, self.batch_size = self.identify(card), card.batch_size

    @classmethod
    def identify(cls, card: JudgeCard) -> str:
        return f"{card.name}@{digest({'rule': 'red of all'})[:12]}"

    @classmethod
    def check(cls, card: JudgeCard) -> None:
        """Nothing is needed, not even weights."""

    def ask(self, questions: Sequence[Question], images: Sequence[Image.Image]) -> list[Verdict]:
        return [self._answer(q, i) for q, i in zip(questions, images, strict=True)]

    def _answer(self, question: Question, image: Image.Image) -> Verdict:
        try:
            channels = ImageStat.Stat(image).mean
        except ValueError as e:
            return unscored(question, self.identity, str(e))
        red = channels[0] / (sum(channels) or 1)
        if question.form == "names":
            return verdict(question, self.identity, Named(names=("Zori",) if red > 0.5 else ()))
        return verdict(question, self.identity, YesNo(p_yes=red))


CARD = JudgeCard(name="redness", kind="redness", batch_size=4)
