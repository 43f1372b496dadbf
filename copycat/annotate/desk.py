"""One labelling session: where each rater is, and what a browser is told about a question."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Literal

from pydantic import Field, model_validator

from copycat.annotate.answers import Answers, RaterAnswer, rater_name
from copycat.annotate.rater_agreement import STEP, summarise
from copycat.annotate.tasks import Task, ordered
from copycat.calibration.labels import LOOKALIKE, NOBODY
from copycat.errors import UnknownName, UserError
from copycat.io.paths import DATA
from copycat.records import Row
from copycat.runs.data import RunData
from copycat.runs.manifest import now

REFERENCES = 4
"""Reference pictures shown beside a question."""


class Given(Row):
    """What a browser sends when a rater answers."""

    rater: str
    id: str
    answer: Literal["yes", "no", "unsure", "skip"]
    saw: str = ""
    confidence: int | None = Field(default=None, ge=1, le=3)

    @model_validator(mode="after")
    def _whole(self) -> Given:
        if (self.confidence is not None) != (self.answer in ("yes", "no")):
            raise ValueError("yes and no come with a confidence, other answers without")
        if bool(self.saw) != (self.answer == "no"):
            raise ValueError("no comes with what is seen instead, other answers without")
        return self


@dataclass(frozen=True)
class RaterOrder:
    """A rater's order, and where each question stands in it."""

    tasks: tuple[Task, ...]
    number: dict[str, int]
    """By the question's id."""


class Desk:
    """Questions, answers and raters of one run.

    Ids are keyed hashes, so that neither they nor the addresses made of them tell what a picture is.
    """

    def __init__(self, asked: Sequence[Task], answers: Answers, run: RunData, *, seed: int, key: str) -> None:
        self.answers, self.registry = answers, run.registry
        self._seed, self._key = seed, key.encode()
        self._asked = {self.id_of(i): i for i in asked}
        self._orders: dict[str, RaterOrder] = {}
        self._ordering = Lock()

    def id_of(self, task: Task) -> str:
        """The opaque name of a question."""
        return hmac.new(self._key, "|".join(task.about).encode(), hashlib.sha256).hexdigest()[:24]

    def picture(self, name: str, frame: int) -> Path:
        """The file to show for a question; raises UnknownName."""
        task = self._asked.get(name)
        if task is None or not 0 <= frame < len(task.files):
            raise UnknownName("picture", name, ())
        return task.files[frame]

    def reference(self, slug: str, number: int) -> Path:
        """A reference picture of a character; raises UnknownName."""
        there = self.registry[slug].references
        if not 0 <= number < len(there):
            raise UnknownName("reference picture", str(number), ())
        return DATA / there[number]

    def _character(self, slug: str, most: int) -> dict[str, Any]:
        """What a browser is told of a character, with at most so many reference pictures."""
        c = self.registry[slug]
        there = [n for n, r in enumerate(c.references) if (DATA / r).is_file()]
        references = [f"ref/{slug}/{n}" for n in there[:most]]
        return {"slug": slug, "name": c.name, "also": list(c.spoken[1:]), "references": references}

    def characters(self) -> list[dict[str, Any]]:
        """All characters that a rater can say to see, by name."""
        people = sorted(self.registry.characters, key=lambda c: c.name.casefold())
        return [self._character(c.slug, 1) for c in people]

    def known_raters(self) -> list[tuple[str, int]]:
        """Who has answered anything, and how many of this session's questions."""
        return [(r, len(self._done(self._order(r), r))) for r in self.answers.raters()]

    def _order(self, rater: str) -> RaterOrder:
        with self._ordering:
            if rater not in self._orders:
                order = ordered(tuple(self._asked.values()), rater, self._seed)
                self._orders[rater] = RaterOrder(order, {self.id_of(i): n for n, i in enumerate(order)})
            return self._orders[rater]

    def _done(self, order: RaterOrder, rater: str) -> dict[int, RaterAnswer]:
        """The rater's standing answers by the number of their question."""
        mine = self.answers.of(rater)
        return {n: mine[i.about] for n, i in enumerate(order.tasks) if i.about in mine}

    def show(self, rater: str, number: int | None = None) -> dict[str, Any]:
        """The question at `number` in the rater's order, from 0; the first open one for None.

        Raises UnknownName for a number that is none of theirs.
        """
        rater = rater_name(rater)
        order = self._order(rater)
        done = self._done(order, rater)
        if number is None:
            number = _open(order, done, 0)
        elif not 0 <= number < len(order.tasks):
            raise UnknownName("question", str(number), ())
        return self._told(order, done, number)

    def answer(self, given: Given) -> dict[str, Any]:
        """Keep an answer, then tell the next open question; raises UnknownName for an unknown question."""
        rater = rater_name(given.rater)
        order = self._order(rater)
        if given.id not in order.number:
            raise UnknownName("question", given.id, ())
        number = order.number[given.id]
        task = order.tasks[number]
        named = given.answer == "no" and given.saw not in (NOBODY, LOOKALIKE)
        if named and self.registry[given.saw].slug == task.character:
            raise UserError("The answer is no, but what is seen is the character that is asked about.")
        self.answers.give(
            RaterAnswer(
                image=task.images[0],
                pixels=task.pixels,
                character=task.character,
                rater=rater,
                answer=given.answer,
                saw=task.character if given.answer == "yes" else given.saw,
                confidence=given.confidence,
                at=now(),
            )
        )
        done = self._done(order, rater)
        return self._told(order, done, _open(order, done, number + 1))

    def undo(self, rater: str) -> dict[str, Any]:
        """Take back the rater's last answer to one of these questions, and show it; UserError without one."""
        rater = rater_name(rater)
        order = self._order(rater)
        taken = self.answers.undo(rater, {i.about for i in order.tasks}, now())
        if taken is None:
            raise UserError("There is no answer to take back.")
        number = next(n for n, i in enumerate(order.tasks) if i.about == taken.about)
        return self._told(order, self._done(order, rater), number)

    def _told(self, order: RaterOrder, done: dict[int, RaterAnswer], number: int | None) -> dict[str, Any]:
        ahead = None if number is None else _open(order, done, number + 1)
        return {
            "total": len(order.tasks),
            "answered": sum(a.answer != "skip" for a in done.values()),
            "skipped": [n for n, a in done.items() if a.answer == "skip"],
            "item": None if number is None else self._question(order, done, number),
            "ahead": [] if ahead is None or ahead == number else self._frames(order.tasks[ahead]),
        }

    def _frames(self, task: Task) -> list[str]:
        return [f"img/{self.id_of(task)}/{i}" for i in range(len(task.files))]

    def _question(self, order: RaterOrder, done: dict[int, RaterAnswer], number: int) -> dict[str, Any]:
        task = order.tasks[number]
        owner = self.registry[task.character].owner
        mine = done.get(number)
        return {
            "id": self.id_of(task),
            "number": number,
            "frames": self._frames(task),
            "character": {**self._character(task.character, REFERENCES), "owner": owner},
            "mine": mine and {"answer": mine.answer, "saw": mine.saw, "confidence": mine.confidence},
        }

    def agreement(self, rater: str) -> dict[str, Any]:
        """What `rater` may know of the agreement; see `copycat.annotate.rater_agreement`."""
        rater = rater_name(rater)
        order = self._order(rater)
        mine = sum(a.answer in ("yes", "no") for a in self._done(order, rater).values())
        finished = _open(order, self._done(order, rater), 0) is None
        if mine < STEP and not finished:
            return {"ready": False, "needed": STEP, "mine": mine}
        return {"ready": True, "step": STEP, **summarise(self.answers.standing(), whole=finished)}


def _open(order: RaterOrder, done: dict[int, RaterAnswer], start: int) -> int | None:
    """The first question without an answer from `start` on, going round; None where there is none."""
    total = len(order.tasks)
    return next((n % total for n in range(start, start + total) if n % total not in done), None)
