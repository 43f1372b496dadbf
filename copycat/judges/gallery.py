"""Cheap detectors: how much a picture is like reference pictures of the characters.

They answer `which` and `target`, for pre-filtering and to cross-check a vision-language judge. What
counts as the character is decided by a threshold that `copycat calibrate` measures.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from copycat.characters import Registry, load_registry
from copycat.errors import BadFile, UserError
from copycat.judges.base import Judge, unscored, verdict
from copycat.judges.card import JudgeCard
from copycat.judges.references import open_reference, reference_hash
from copycat.paths import DATA
from copycat.records import Question, QuestionKind, Verdict, digest

Vectors = npt.NDArray[np.float32]
"""Shape (pictures, width), rows of length 1: their products are similarities in [-1, 1]."""


@dataclass(frozen=True)
class Reference:
    """One reference picture of a character."""

    character: str
    """Slug."""
    path: Path


def references(registry: Registry) -> list[Reference]:
    """Every reference picture of `registry`. Raises UserError when there is none."""
    found = [Reference(c.slug, DATA / r) for c in registry.characters for r in c.references]
    if not found:
        raise UserError(
            f"The registry {registry.name} has no reference pictures; add `references` to its characters."
        )
    return found


def subject(card: JudgeCard) -> str:
    """Hash of what a threshold holds for: the weights and every reference picture."""
    weights = card.identity().partition("@")[2] if card.source else card.kind
    seen = [(r.character, reference_hash(r.path)) for r in references(load_registry(_registry(card)))]
    return digest({"weights": weights, "references": seen})


def _registry(card: JudgeCard) -> str:
    if card.registry is None:
        raise BadFile(f"The card of the judge {card.name} must say whose references it uses: add `registry`.")
    return card.registry


def _threshold(card: JudgeCard) -> float:
    """The similarity that `copycat calibrate` found. Raises UserError without one for these pictures."""
    rates = card.measured()
    how = f"run `copycat calibrate {card.name}`"
    if rates is None or not isinstance(rates.get("threshold"), int | float):
        raise UserError(f"The judge {card.name} has no threshold yet; {how}.")
    if rates.get("subject") != subject(card):
        raise UserError(f"The judge {card.name} was calibrated for other weights or references; {how} again.")
    return float(rates["threshold"])


class Detector(Judge):
    """Similarity to the nearest reference picture of a character.

    The score of `target` is that similarity, rescaled piecewise linearly so that the threshold lies at
    0.5: above a half means yes, as for every other judge, and the order of pictures is kept. `which`
    names the nearest character when it is above the threshold.
    """

    def __init__(self, card: JudgeCard, device: str) -> None:
        self.check(card)
        self.identity, self.batch_size = self.identify(card), card.batch_size
        self._threshold = _threshold(card)
        self._load(card, device)
        registry = load_registry(_registry(card))
        known = references(registry)
        self._gallery = self.vectors([open_reference(r.path) for r in known])
        self._whose = [r.character for r in known]
        self._files = [r.path.name for r in known]
        self._names = {c.slug: c.name for c in registry.characters}

    @classmethod
    def build(cls, card: JudgeCard, device: str) -> Detector:
        """One that can make vectors and needs no threshold, to be calibrated; not one to ask."""
        raw = cls.__new__(cls)
        raw.batch_size = card.batch_size
        raw._load(card, device)
        return raw

    @classmethod
    def identify(cls, card: JudgeCard) -> str:
        return f"{card.name}@{digest({'subject': subject(card), 'threshold': _threshold(card)})[:12]}"

    @classmethod
    def answers(cls, card: JudgeCard) -> frozenset[QuestionKind]:  # noqa: ARG003
        return frozenset({"which", "target"})

    @classmethod
    def check(cls, card: JudgeCard) -> None:
        _registry(card)
        _threshold(card)

    @abstractmethod
    def _load(self, card: JudgeCard, device: str) -> None:
        """Get ready to make vectors."""

    @abstractmethod
    def _describe(self, images: Sequence[Image.Image]) -> npt.NDArray[Any]:
        """One row a picture, of any length."""

    def vectors(self, images: Sequence[Image.Image]) -> Vectors:
        """One row of length 1 a picture."""
        size = self.batch_size
        parts = [self._describe(images[i : i + size]) for i in range(0, len(images), size)]
        rows = np.concatenate(parts).astype(np.float32)
        return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12))

    def ask(self, questions: Sequence[Question], images: Sequence[Image.Image]) -> list[Verdict]:
        try:
            similar = self.vectors(images) @ self._gallery.T
        except Exception as e:  # noqa: BLE001  whatever a model raises becomes a row
            if len(questions) == 1:
                return [unscored(questions[0], self.identity, f"{type(e).__name__}: {e}")]
            return [v for q, i in zip(questions, images, strict=True) for v in self.ask([q], [i])]
        return [self._answer(q, row) for q, row in zip(questions, similar, strict=True)]

    def _answer(self, question: Question, similar: Vectors) -> Verdict:
        anyone = question.kind == "which"
        mine = [i for i, slug in enumerate(self._whose) if anyone or slug == question.character]
        if question.kind not in ("which", "target") or not mine:
            why = "it has no reference picture of this character" if not mine else "it only compares pictures"
            return unscored(question, self.identity, why)
        best = max(mine, key=lambda i: float(similar[i]))
        near = float(similar[best])
        reply = (
            f"{near:.3f} like {self._names[self._whose[best]]} ({self._files[best]}); "
            f"yes above {self._threshold:.3f}"
        )
        if question.kind == "which":
            names = (self._names[self._whose[best]],) if near > self._threshold else ()
            return verdict(question, self.identity, status="scored", names=names, reply=reply)
        score = rescaled(near, self._threshold)
        return verdict(question, self.identity, status="scored", score=score, reply=reply)


def rescaled(similarity: float, threshold: float) -> float:
    """[-1, threshold] to [0, 0.5] and [threshold, 1] to [0.5, 1], both linearly."""
    s = min(max(similarity, -1.0), 1.0)
    if s <= threshold:
        return 0.5 * (s + 1) / (threshold + 1) if threshold > -1 else 0.5
    return 0.5 + 0.5 * (s - threshold) / (1 - threshold)
