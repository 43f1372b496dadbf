"""From answers to the table of labels that other tools read."""

from __future__ import annotations

from collections.abc import Iterable

from copycat.annotate.answers import Answer
from copycat.annotate.items import Item
from copycat.labels import Label


def labels(answers: Iterable[Answer], asked: Iterable[Item]) -> tuple[Label, ...]:
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
            sha256=item.sha256 if item else "",
        )
        for a in answers
        if a.answer in said
        for item in [known.get(a.pixels)]
        for image in (item.images if item else (a.image,))
    )
