"""From rows to observations: one number, or the lack of one, for each picture planned."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from copycat.characters import Character
from copycat.content import asked_for
from copycat.records import ImageRow, QuestionKind, Request, Verdict

Reader = Callable[[Verdict, Character], float | None]
"""Number in a scored verdict about a picture of a character, in [0, 1]."""


@dataclass(frozen=True)
class Observation:
    """One picture planned. `value` is None unless it is `ok` and its verdict is scored."""

    request: Request
    image: ImageRow | None
    value: float | None


def observe(
    requests: Sequence[Request],
    images: Mapping[str, ImageRow],
    verdicts: Iterable[Verdict],
    characters: Mapping[str, Character],
    kind: QuestionKind,
    read: Reader,
) -> list[Observation]:
    """The observations of one kind of question; `verdicts` are those of one judge."""
    answers = {v.request: v for v in verdicts if v.kind == kind and v.status == "scored"}
    observations = []
    for request in requests:
        image, answer = images.get(request.id), answers.get(request.id)
        if answer and _about(answer, image):
            observations.append(Observation(request, image, read(answer, characters[request.character])))
        else:
            observations.append(Observation(request, image, None))
    return observations


def observe_content(
    requests: Sequence[Request],
    images: Mapping[str, ImageRow],
    verdicts: Iterable[Verdict],
    characters: Mapping[str, Character],
) -> list[Observation]:
    """Mean score over all that a prompt asks for; pictures whose prompt asks for nothing are left out.

    A picture with an item unscored has no value: a mean over the others would be of another question.
    """
    answers = {(v.request, v.item): v for v in verdicts if v.kind == "content" and v.status == "scored"}
    observations = []
    for request in requests:
        items, image = asked_for(request, characters[request.character]), images.get(request.id)
        said = [answers.get((request.id, item)) for item in items]
        scores = [v.score for v in said if v and v.score is not None and _about(v, image)]
        if items:
            whole = len(scores) == len(items)
            observations.append(Observation(request, image, fmean(scores) if whole else None))
    return observations


def _about(verdict: Verdict, image: ImageRow | None) -> bool:
    """A verdict on other pixels than those in the row says nothing about this picture."""
    return image is not None and image.outcome == "ok" and verdict.image_sha256 == image.sha256


def by_character(observations: Iterable[Observation]) -> dict[str, float]:
    """Mean over the scored pictures of each character; characters without any are left out."""
    values: dict[str, list[float]] = {}
    for o in observations:
        if o.value is not None:
            values.setdefault(o.request.character, []).append(o.value)
    return {c: sum(v) / len(v) for c, v in values.items()}
