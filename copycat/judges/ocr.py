"""Reads what is written in a picture: names and logos give a character away without its face."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PIL import Image

from copycat.cards.judges import JudgeCard
from copycat.errors import MissingRequirement, require
from copycat.judges.base import Judge, unscored, verdict
from copycat.records import IDENTIFY, Named, Question, Verdict, digest

SIDE = 1024
"""Smaller pictures are enlarged to this many pixels, which OCR reads better."""


def _engine(who: str) -> Any:
    pytesseract = require("pytesseract", "pytesseract>=0.3.10", who)
    try:
        pytesseract.get_tesseract_version()
    except (OSError, SystemExit) as e:  # TesseractNotFoundError is an OSError
        raise MissingRequirement(
            f"{who} needs the program tesseract; install it with your system, e.g. "
            "`apt install tesseract-ocr` or `brew install tesseract`."
        ) from e
    return pytesseract


class NameReader(Judge):
    """Answers `identify` with the lines of text it reads, in which names are looked for as in any reply."""

    def __init__(self, card: JudgeCard, device: str) -> None:  # noqa: ARG002  runs on the CPU
        self._engine = _engine(f"The judge {card.name}")
        self.identity, self.batch_size = self.identify(card), card.batch_size

    @classmethod
    def identify(cls, card: JudgeCard) -> str:
        version = str(_engine(f"The judge {card.name}").get_tesseract_version())
        return f"{card.name}@{digest({'tesseract': version})[:12]}"

    @classmethod
    def answers(cls, card: JudgeCard) -> frozenset[str]:  # noqa: ARG003
        return frozenset({IDENTIFY})

    @classmethod
    def check(cls, card: JudgeCard) -> None:
        _engine(f"The judge {card.name}")

    def ask(self, questions: Sequence[Question], images: Sequence[Image.Image]) -> list[Verdict]:
        return [self._one(q, i) for q, i in zip(questions, images, strict=True)]

    def _one(self, question: Question, image: Image.Image) -> Verdict:
        if question.kind != IDENTIFY:
            return unscored(question, self.identity, "it only reads what is written")
        try:
            scale = max(1, SIDE // max(image.size))
            large = image.resize((image.width * scale, image.height * scale), Image.Resampling.LANCZOS)
            text = str(self._engine.image_to_string(large))
        except Exception as e:  # noqa: BLE001  whatever the program does becomes a row
            return unscored(question, self.identity, f"{type(e).__name__}: {e}")
        lines = tuple(line.strip() for line in text.splitlines() if line.strip())
        return verdict(question, self.identity, Named(names=lines), " / ".join(lines))
