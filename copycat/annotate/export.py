"""From answers to the table of labels that other tools read."""

from __future__ import annotations

from collections.abc import Iterable

from copycat.annotate.answers import RaterAnswer
from copycat.annotate.tasks import Task
from copycat.calibration.labels import Label


def labels(answers: Iterable[RaterAnswer], asked: Iterable[Task]) -> tuple[Label, ...]:
    """A label for each answer and each picture with the pixels that it is about.

    `unsure` becomes a label without an answer; what was skipped is no label. Answers about pictures that
    are not among `asked` keep the path under which they were given.
    """
    known = {i.pixels: i for i in asked}
    said = {"yes": True, "no": False, "unsure": None}
    return tuple(
        Label(
            image=image,
            character=a.character,
            rater=a.rater,
            label=said[a.answer],
            saw=a.saw,
            confidence=a.confidence,
            sha256=task.sha256 if task else "",
        )
        for a in answers
        if a.answer in said
        for task in [known.get(a.pixels)]
        for image in (task.images if task else (a.image,))
    )
