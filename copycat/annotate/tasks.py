"""What is asked: which pictures, about which characters, in which order."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, zip_longest
from pathlib import Path
from typing import TypeVar

from copycat.errors import UserError
from copycat.records import ImageRow, Request
from copycat.runs.data import RunData
from copycat.subjects.innocents import is_innocent

BLOCK = 4
"""Pictures of one condition whose place in a rater's order is drawn together. With 1, who has seen one half
of a pair would know which condition comes next."""

T = TypeVar("T")


@dataclass(frozen=True)
class Task:
    """One question: does this picture, or video, show this character?"""

    pixels: str
    """Identity of what is seen; pictures with the same pixels are one task."""
    character: str
    """Slug of the character that is asked about."""
    condition: tuple[str, ...]
    """Mitigation and prompt set, over which sample and order are balanced. Never shown."""
    images: tuple[str, ...]
    """Paths relative to the run folder, of all pictures with these pixels."""
    files: tuple[Path, ...]
    """What to show: the picture, or the judged frames of a video. Nothing of :func:`recorded` tasks."""
    sha256: str
    """Of the picture's file; empty for a video."""

    @property
    def about(self) -> tuple[str, str]:
        """As `RaterAnswer.about`."""
        return self.pixels, self.character


@dataclass(frozen=True)
class Found:
    """The questions that a run gives, and how many of its pictures cannot be shown."""

    tasks: tuple[Task, ...]
    missing: int


def tasks(run: RunData) -> Found:
    """A question for each `ok` picture or video of `run`, about the character that it was made for.

    Pictures of innocent prompts were made for nobody, and are not asked about.
    Pictures whose file is gone or lies outside the run folder are left out and counted. Raises UserError
    when none is left.
    """
    found: list[Task] = []
    missing = 0
    for request, rows in _made(run):
        files = tuple(path for r in rows if (path := run.file(r.file)))
        if len(files) < len(rows):
            missing += 1
            continue
        found.append(_task(request, rows, files))
    if not found:
        raise UserError(
            f"All {missing} pictures of {run.path} are missing from the folder; there is nothing to label."
            if missing
            else f"{run.path} has no pictures to label; `copycat run` makes them."
        )
    return Found(_merged(found), missing)


def recorded(run: RunData) -> tuple[Task, ...]:
    """The same questions by the rows alone, also where the files of pictures are not here: nothing to show.

    A picture without a hash in its row, as the first versions wrote them, is left out.
    """
    return _merged(_task(request, rows, ()) for request, rows in _made(run) if all(r.sha256 for r in rows))


def _made(run: RunData) -> Iterator[tuple[Request, list[ImageRow]]]:
    """The requests that raters can be asked about, each with the rows of its picture or judged frames."""
    for request in (r for r in run.requests if not is_innocent(r.prompt_set)):
        if rows := [r for r in run.frames.get(request.id, ()) if r.outcome == "ok" and r.file]:
            yield request, rows


def _merged(tasks: Iterable[Task]) -> tuple[Task, ...]:
    """One for all that have the same pixels, in the place of the first."""
    found: dict[tuple[str, str], Task] = {}
    for task in tasks:
        earlier = found.get(task.about)
        found[task.about] = replace(earlier, images=earlier.images + task.images) if earlier else task
    return tuple(found.values())


def _task(request: Request, rows: Sequence[ImageRow], files: tuple[Path, ...]) -> Task:
    hashes = [r.sha256 or hashlib.sha256(files[n].read_bytes()).hexdigest() for n, r in enumerate(rows)]
    video = bool(request.sampling.frames)
    return Task(
        pixels=hashlib.sha256("|".join(hashes).encode()).hexdigest() if video else hashes[0],
        character=request.character,
        condition=(request.mitigation, request.prompt_set),
        images=((rows[0].strip if video else None) or rows[0].file or "",),
        files=files,
        sha256="" if video else hashes[0],
    )


def sampled(asked: Sequence[Task], size: int | None, seed: int) -> tuple[Task, ...]:
    """`size` of the questions, the same for every rater; all for None.

    Conditions have the same share, as far as their pictures reach, and so have characters within each.
    A larger sample with the same seed holds the smaller one.
    """
    if size is None or size >= len(asked):
        return tuple(asked)
    r = random.Random(f"sample|{seed}")
    return tuple(_spread(asked, r))[:size]


def with_foils(asked: Sequence[Task], share: float, run: RunData, seed: int) -> tuple[Task, ...]:
    """`asked`, and questions about a character that the picture was not made for: `share` times as many.

    The pictures are drawn as those of a sample are; the other character is any other of the run with the
    same chance, or of the registry where the run has one only. UserError where there is no other.
    """
    if not share:
        return tuple(asked)
    there = sorted({i.character for i in asked})
    people = there if len(there) > 1 else sorted(c.slug for c in run.registry.characters)
    if len(people) < 2:
        raise UserError(
            "Foils ask about another character, and the registry holds one only; leave --foils out."
        )
    r = random.Random(f"foils|{seed}")
    foils = []
    for task in list(_spread(asked, r))[: max(1, round(share * len(asked)))]:
        other = r.choice([slug for slug in people if slug != task.character])
        foils.append(replace(task, character=other, condition=(*task.condition, "foil")))
    known = {i.about for i in asked}
    return (*asked, *(f for f in foils if f.about not in known))


def _spread(asked: Iterable[Task], r: random.Random) -> Iterator[Task]:
    """All of `asked`, conditions in turn, and within each condition characters in turn."""
    conditions: dict[tuple[str, ...], dict[str, list[Task]]] = {}
    for task in asked:
        conditions.setdefault(task.condition, {}).setdefault(task.character, []).append(task)
    return _in_turn(
        [
            list(_in_turn(_shuffled([_shuffled(people[slug], r) for slug in sorted(people)], r)))
            for _, people in sorted(conditions.items())
        ]
    )


def _shuffled(what: Iterable[T], r: random.Random) -> list[T]:
    mixed = list(what)
    r.shuffle(mixed)
    return mixed


def _in_turn(lists: Sequence[Sequence[T]]) -> Iterator[T]:
    gone = object()
    return (x for x in chain.from_iterable(zip_longest(*lists, fillvalue=gone)) if x is not gone)  # type: ignore[misc]


def ordered(asked: Sequence[Task], rater: str, seed: int) -> tuple[Task, ...]:
    """The questions in `rater`'s own order: shuffled, every stretch with about each condition's share.

    Each condition is shuffled, laid evenly over the whole length, and its places drawn anew within each
    :data:`BLOCK`.
    """
    r = random.Random(f"order|{seed}|{rater}")
    conditions: dict[tuple[str, ...], list[Task]] = {}
    for task in sorted(asked, key=lambda i: (i.condition, i.about)):
        conditions.setdefault(task.condition, []).append(task)
    placed = [
        ((i // BLOCK + r.random()) * BLOCK / len(group), task)
        for group in conditions.values()
        for i, task in enumerate(_shuffled(group, r))
    ]
    return tuple(task for _, task in sorted(placed, key=lambda p: p[0]))
