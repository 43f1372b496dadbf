"""From answers to the table of labels that other tools read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from copycat.annotate.answers import RaterAnswer, Said
from copycat.annotate.tasks import Task
from copycat.calibration.labels import Label

LABELS: Mapping[Said, bool | None] = {"yes": True, "no": False, "unsure": None}
"""The answers that are labels, and what they say."""


def labels(answers: Iterable[RaterAnswer], asked: Iterable[Task]) -> tuple[Label, ...]:
    """A label for each answer and each picture with the pixels that it is about.

    `unsure` becomes a label without an answer; what was skipped is no label. Answers about pictures that
    are not among `asked` keep the path under which they were given.
    """
    return tuple(label for _, label in labelled(answers, asked))


def labelled(answers: Iterable[RaterAnswer], asked: Iterable[Task]) -> Iterator[tuple[RaterAnswer, Label]]:
    """The same labels, each with the answer that it comes from."""
    known = {i.pixels: i for i in asked}
    for a in answers:
        if a.answer not in LABELS:
            continue
        task = known.get(a.pixels)
        for image in task.images if task else (a.image,):
            yield (
                a,
                Label(
                    image=image,
                    character=a.character,
                    rater=a.rater,
                    label=LABELS[a.answer],
                    saw=a.saw,
                    confidence=a.confidence,
                    sha256=task.sha256 if task else "",
                ),
            )
