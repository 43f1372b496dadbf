"""From rows to observations: one number, or the lack of one, for each picture or video planned."""

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
    """One picture planned, or one video; `value` is None unless it is `ok` and judged, see :func:`decide`."""

    request: Request
    image: ImageRow | None
    """Its row; of a video that of the first frame."""
    value: float | None


def observe(
    requests: Sequence[Request],
    frames: Mapping[str, Sequence[ImageRow]],
    verdicts: Iterable[Verdict],
    characters: Mapping[str, Character],
    kind: QuestionKind,
    read: Reader,
) -> list[Observation]:
    """The observations of one kind of question; `verdicts` are those of one judge."""
    answers = {(v.request, v.frame): v for v in verdicts if v.kind == kind}
    observations = []
    for request in requests:
        rows, character = frames.get(request.id, ()), characters[request.character]
        decisive = decide(rows, answers, character, read)
        value = _value(decisive, character, read)
        observations.append(Observation(request, rows[0] if rows else None, value))
    return observations


def observe_content(
    requests: Sequence[Request],
    frames: Mapping[str, Sequence[ImageRow]],
    verdicts: Iterable[Verdict],
    characters: Mapping[str, Character],
) -> list[Observation]:
    """Mean score over all that a prompt asks for; requests whose prompt asks for nothing are left out.

    A request with an item unscored has no value: a mean over the others would be of another question.
    """
    answers: dict[str | None, dict[tuple[str, int], Verdict]] = {}
    for v in verdicts:
        if v.kind == "content":
            answers.setdefault(v.item, {})[v.request, v.frame] = v
    observations = []
    for request in requests:
        rows, character = frames.get(request.id, ()), characters[request.character]
        items = asked_for(request, character)
        decisive = [decide(rows, answers.get(item, {}), character, _score) for item in items]
        scores = [s for v in decisive if (s := _value(v, character, _score)) is not None]
        if items:
            whole = len(scores) == len(items)
            observations.append(
                Observation(request, rows[0] if rows else None, fmean(scores) if whole else None)
            )
    return observations


def _score(verdict: Verdict, _: Character) -> float | None:
    return verdict.score


def decide(
    rows: Sequence[ImageRow],
    answers: Mapping[tuple[str, int], Verdict],
    character: Character,
    read: Reader,
) -> Verdict | None:
    """The verdict that speaks for all `rows` of a request: that of the frame with the highest value.

    `answers` are the verdicts on one kind of question by request and frame. The maximum over frames is
    taken as He et al. 2024 (section C.2) do for DETECT, and for every other metric alike: what a video
    shows in one frame, it shows. A frame without a scored verdict might be the highest, so then the
    request is unscored (its verdict or None is returned), unless another frame has 1 already, which
    nothing exceeds.
    """
    judged: list[Verdict | None] = []
    for row in rows:
        answer = answers.get((row.request, row.frame))
        # A verdict on other pixels than those in the row says nothing about this picture.
        fits = row.outcome == "ok" and answer is not None and answer.image_sha256 == row.sha256
        judged.append(answer if fits else None)
    values = [_value(v, character, read) for v in judged]
    if 1.0 in values:
        return judged[values.index(1.0)]
    if None in values:
        return judged[values.index(None)]
    return judged[values.index(max(v for v in values if v is not None))] if judged else None


def _value(verdict: Verdict | None, character: Character, read: Reader) -> float | None:
    return read(verdict, character) if verdict is not None and verdict.status == "scored" else None


def by_character(observations: Iterable[Observation]) -> dict[str, float]:
    """Mean over the scored pictures of each character; characters without any are left out."""
    values: dict[str, list[float]] = {}
    for o in observations:
        if o.value is not None:
            values.setdefault(o.request.character, []).append(o.value)
    return {c: sum(v) / len(v) for c, v in values.items()}
