"""Which pictures a rater is shown, and in what order."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass

from copycat.errors import UserError
from copycat.runs.folder import RunFolder


@dataclass(frozen=True)
class Task:
    """One picture, with the character that it was made for."""

    file: str
    """Relative to the run folder."""
    sha256: str
    character: str
    """Slug."""


def tasks(folder: RunFolder, sample: int | None = None, seed: int = 0) -> tuple[Task, ...]:
    """The pictures of a run, or `sample` of them drawn evenly over mitigations and prompt sets.

    Of a video each judged frame is one, as the judge saw it. Every rater gets the same pictures, so that
    they can be compared. Raises UserError when there are none.
    """
    groups: dict[tuple[str, str], list[Task]] = defaultdict(list)
    frames = folder.frames()
    for request in folder.requests():
        for row in frames.get(request.id, ()):
            if row.outcome == "ok" and row.file and row.sha256 and (folder.path / row.file).is_file():
                task = Task(row.file, row.sha256, request.character)
                groups[request.mitigation, request.prompt_set].append(task)
    dice = random.Random(f"{seed}|sample")
    piles = list(groups.values())
    for pile in piles:
        dice.shuffle(pile)
    # A round takes one of each group, so that a small sample has all of them.
    rounds = [[p[i] for p in piles if i < len(p)] for i in range(max(map(len, piles), default=0))]
    chosen = [task for round_ in rounds for task in round_]
    if not chosen:
        raise UserError(
            f"{folder.path} has no pictures to label; make them with `copycat run`, or choose another run."
        )
    return tuple(chosen[:sample])


def order(chosen: tuple[Task, ...], rater: str, seed: int = 0) -> tuple[Task, ...]:
    """`chosen` shuffled for one rater, the same at every visit: no condition is always seen first."""
    mine = list(chosen)
    random.Random(f"{seed}|{rater}").shuffle(mine)
    return tuple(mine)
