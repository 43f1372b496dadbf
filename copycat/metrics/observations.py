"""From rows to observations: one number, or the lack of one, for each picture planned."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from copycat.characters import Character
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
        judged = image is not None and image.outcome == "ok" and answer is not None
        # A verdict on other pixels than those in the row says nothing about this picture.
        if judged and answer and image and answer.image_sha256 == image.sha256:
            observations.append(Observation(request, image, read(answer, characters[request.character])))
        else:
            observations.append(Observation(request, image, None))
    return observations


def by_character(observations: Iterable[Observation]) -> dict[str, float]:
    """Mean over the scored pictures of each character; characters without any are left out."""
    values: dict[str, list[float]] = {}
    for o in observations:
        if o.value is not None:
            values.setdefault(o.request.character, []).append(o.value)
    return {c: sum(v) / len(v) for c, v in values.items()}
