"""The near-verbatim ladder as a judge: names whose picture a picture is a copy of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image

from copycat.cards.judges import JudgeCard
from copycat.copies.build import Built, build, read_thresholds
from copycat.copies.calibration import Thresholds
from copycat.copies.looks import Encoder, Look, describe
from copycat.copies.references import References, of_registry, references_at
from copycat.copies.rungs import CATALOG as RUNGS
from copycat.copies.rungs import rungs
from copycat.errors import BadFile
from copycat.io.paths import DATA
from copycat.judges.base import Judge, ask_guarded, check_weights, unscored, verdict
from copycat.records import IDENTIFY, Named, Question, Verdict, digest
from copycat.runtime.progress import Progress
from copycat.subjects.characters import Registry, load_registry


def _registry(card: JudgeCard) -> Registry:
    if card.registry is None:
        raise BadFile(f"The card of the judge {card.name} must say whose pictures it knows: add `registry`.")
    return load_registry(card.registry)


def _references(card: JudgeCard) -> References:
    """What the card compares with: its `pictures`, or the registry's references."""
    registry = _registry(card)
    return references_at(DATA / card.pictures, registry) if card.pictures else of_registry(registry)


def compared(
    card: JudgeCard, load: Callable[[], Encoder], progress: Progress | None = None, *, anew: bool = False
) -> Built:
    """What a ladder's card compares with, with its thresholds; measured `anew`, or taken from the file that
    the card names."""
    measured = None if anew else _measured(card)
    return build(_references(card), card.identity(), load, progress, measured=measured, anew=anew)


def _measured(card: JudgeCard) -> Thresholds | None:
    """What the file that the card names says; None where there is none yet."""
    file = DATA / card.thresholds if card.thresholds else None
    return read_thresholds(file) if file is not None and file.is_file() else None


class LadderJudge(Judge):
    """Answers `identify` with whose reference a picture is a copy of, from the rung `at` of its card on.

    It names the character of the reference that the picture reaches its highest rung with; where it is not
    known whom that reference shows, the reference itself, which is nobody's name. A picture that shows a
    character anew is a copy of nothing, and nobody is named.
    """

    def __init__(self, card: JudgeCard, device: str) -> None:
        # It brings torch.
        from copycat.judges.embedding import EmbeddingDetector

        self.check(card)
        self.identity, self.batch_size = self.identify(card), card.batch_size
        self._encoder = EmbeddingDetector.build(card, device)
        self._built = compared(card, lambda: self._encoder)
        self._names = {c.slug: c.name for c in _registry(card).characters}
        lowest = RUNGS.get(card.at).level
        self._rungs = tuple(r for r in rungs() if r.level >= lowest)

    @classmethod
    def identify(cls, card: JudgeCard) -> str:
        # Where rungs begin decides what it answers; how that was measured does not.
        told = _measured(card)
        cuts = {} if told is None else {"digest": told.digest, **{n: t.value for n, t in told.rungs.items()}}
        found = {
            "weights": card.fingerprint(),
            "references": _references(card).content,
            "at": card.at,
            "thresholds": cuts,
        }
        return f"{card.name}@{digest(found)[:12]}"

    @classmethod
    def answers(cls, card: JudgeCard) -> frozenset[str]:  # noqa: ARG003
        return frozenset({IDENTIFY})

    @classmethod
    def check(cls, card: JudgeCard) -> None:
        check_weights(card)
        RUNGS.get(card.at)
        if card.pictures and not Path(DATA / card.pictures).exists():
            raise BadFile(f"The pictures {card.pictures} of the judge {card.name} are not there.")
        if not any(r.character for r in _references(card).known):
            raise BadFile(
                f"None of the pictures {card.pictures} of the judge {card.name} is known to show a character "
                f"of the registry {card.registry}, so it could name nobody: call folders as the characters' "
                "slugs, or add a column `character` to the table."
            )
        _measured(card)

    def ask(self, questions: Sequence[Question], images: Sequence[Image.Image]) -> list[Verdict]:
        return ask_guarded(self.identity, self._compare, questions, images)

    def _compare(self, questions: Sequence[Question], images: Sequence[Image.Image]) -> list[Verdict]:
        looks = describe(images, self._encoder, mirror=True)
        fine = looks.finite
        return [
            self._answer(q, looks.one(i))
            if fine[i] and q.kind == IDENTIFY
            else unscored(q, self.identity, "it only compares pictures, and by features that are numbers")
            for i, q in enumerate(questions)
        ]

    def _answer(self, question: Question, look: Look) -> Verdict:
        gallery, thresholds = self._built.gallery, self._built.thresholds
        for rung in self._rungs:
            match, cut = rung.match(look, gallery), thresholds.value(rung.name)
            if match is None or cut is None or match.likeness < cut:
                continue
            reference, whose = gallery.names[match.reference], gallery.characters[match.reference]
            reply = f"{rung.name} of {reference}: {match.likeness:.3f}, from {cut:.3f} on"
            named = Named(names=(self._names.get(whose, reference),))
            return verdict(question, self.identity, named, reply)
        return verdict(question, self.identity, Named(names=()), f"no copy, as far as {self._rungs[-1].name}")
