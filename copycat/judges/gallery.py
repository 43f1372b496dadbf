"""Cheap detectors: how much a picture is like reference pictures of the characters.

They answer `identify` and `verify`, for pre-filtering and to cross-check a vision-language judge. What
counts as the character is decided by a threshold that `copycat calibrate` measures.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from PIL import Image

from copycat.cards.judges import JudgeCard
from copycat.errors import BadFile, UserError
from copycat.io.paths import DATA
from copycat.judges.base import CATALOG, Judge, ask_guarded, unscored, verdict
from copycat.judges.references import open_reference, reference_hash
from copycat.records import IDENTIFY, VERIFY, Question, Similarities, Verdict, digest
from copycat.subjects.characters import Registry, load_registry

Vectors = npt.NDArray[np.float32]
"""Shape (pictures, width), rows of length 1: their products are similarities in [-1, 1]."""


def references(registry: Registry) -> list[tuple[str, Path]]:
    """Slug and path of every reference picture of `registry`. Raises UserError when there is none."""
    found = [(c.slug, DATA / r) for c in registry.characters for r in c.references]
    if not found:
        raise UserError(
            f"The registry {registry.name} has no reference pictures; add `references` to its characters."
        )
    return found


def subject(card: JudgeCard) -> str:
    """Hash of what a threshold holds for: the weights and every reference picture."""
    weights = card.identity().partition("@")[2] if card.source else card.kind
    seen = [(slug, reference_hash(path)) for slug, path in references(load_registry(_registry(card)))]
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

    Asked who is shown, it compares with everybody; asked for one character, with that one alone. The
    threshold that `copycat calibrate` measured goes along with every answer.
    """

    def __init__(self, card: JudgeCard, device: str) -> None:
        self.check(card)
        self.identity, self.batch_size = self.identify(card), card.batch_size
        self._threshold = _threshold(card)
        self._load(card, device)
        registry = load_registry(_registry(card))
        known = references(registry)
        self._gallery = self.vectors([open_reference(path) for _, path in known])
        self._whose, self._files = [slug for slug, _ in known], [path.name for _, path in known]
        self._names = {c.slug: c.name for c in registry.characters}

    @classmethod
    def build(cls, card: JudgeCard, device: str) -> Self:
        """One that makes vectors and needs no threshold, to calibrate or compare with; not one to ask."""
        raw = cls.__new__(cls)
        raw.batch_size = card.batch_size
        raw._load(card, device)
        return raw

    @classmethod
    def identify(cls, card: JudgeCard) -> str:
        return f"{card.name}@{digest({'subject': subject(card), 'threshold': _threshold(card)})[:12]}"

    @classmethod
    def answers(cls, card: JudgeCard) -> frozenset[str]:  # noqa: ARG003
        return frozenset({IDENTIFY, VERIFY})

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
        """One row of length 1 a picture; not numbers where there are no features, or none but zeros."""
        size = self.batch_size
        parts = [self._describe(images[i : i + size]) for i in range(0, len(images), size)]
        rows = np.concatenate(parts).astype(np.float32)
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        return np.asarray(rows / np.where(lengths > 0, lengths, np.nan))

    def ask(self, questions: Sequence[Question], images: Sequence[Image.Image]) -> list[Verdict]:
        return ask_guarded(self.identity, self._compare, questions, images)

    def _compare(self, questions: Sequence[Question], images: Sequence[Image.Image]) -> list[Verdict]:
        similar = self.vectors(images) @ self._gallery.T
        return [self._answer(q, row) for q, row in zip(questions, similar, strict=True)]

    def _answer(self, question: Question, similar: Vectors) -> Verdict:
        anyone = question.kind == IDENTIFY
        mine = [i for i, slug in enumerate(self._whose) if anyone or slug == question.character]
        if question.kind not in (IDENTIFY, VERIFY) or not mine:
            why = "it has no reference picture of this character" if not mine else "it only compares pictures"
            return unscored(question, self.identity, why)
        if not np.isfinite(similar[mine]).all():
            return unscored(question, self.identity, "the features are not numbers")
        nearest: dict[str, float] = {}
        for i in mine:
            nearest[self._whose[i]] = max(nearest.get(self._whose[i], -1.0), float(similar[i]))
        best = max(mine, key=lambda i: float(similar[i]))
        reply = (
            f"{float(similar[best]):.3f} like {self._names[self._whose[best]]} ({self._files[best]}); "
            f"yes above {self._threshold:.3f}"
        )
        answer = Similarities(similarities=nearest, threshold=self._threshold)
        return verdict(question, self.identity, answer, reply)


def labelled_vectors(card: JudgeCard, device: str) -> tuple[Vectors, list[str]]:
    """What a threshold is found on: a vector for each reference picture of the card's registry, and its slug.

    Raises UserError for a judge that has no threshold, and BadFile where there are too few pictures.
    """
    kind = CATALOG.get(card.kind)
    if not issubclass(kind, Detector):
        raise UserError(
            f"The judge {card.name} has no threshold to set; only detectors of similarity have one. To "
            "measure it against labels: copycat calibrate RUN --labels FILE."
        )
    known = references(load_registry(_registry(card)))
    slugs = [slug for slug, _ in known]
    characters = len(set(slugs))
    if len(known) < 4 * characters or characters < 2:
        raise BadFile(
            f"Calibrating {card.name} takes two characters or more with four references each or more; "
            f"{card.registry} has {len(known)} references of {characters}."
        )
    return kind.build(card, device).vectors([open_reference(path) for _, path in known]), slugs
