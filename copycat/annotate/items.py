"""What is asked: which pictures, about which characters, in which order."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, zip_longest
from pathlib import Path
from typing import Protocol, TypeVar

from copycat.characters import Registry
from copycat.errors import UserError
from copycat.records import ImageRow, Request

BLOCK = 4
"""Pictures of one condition whose place in a rater's order is drawn together. With 1, who has seen one half
of a pair would know which condition comes next."""

T = TypeVar("T")


class Run(Protocol):
    """The part of a run folder that labelling reads; no verdicts."""

    path: Path

    def requests(self) -> list[Request]: ...

    def frames(self) -> Mapping[str, Sequence[ImageRow]]: ...

    def registry(self) -> Registry: ...


@dataclass(frozen=True)
class Item:
    """One question: does this picture, or video, show this character?"""

    pixels: str
    """Identity of what is seen; pictures with the same pixels are one item."""
    character: str
    """Slug of the character that is asked about."""
    condition: tuple[str, ...]
    """Mitigation and prompt set, over which sample and order are balanced. Never shown."""
    images: tuple[str, ...]
    """Paths relative to the run folder, of all pictures with these pixels."""
    files: tuple[Path, ...]
    """What to show: the picture, or the judged frames of a video."""
    sha256: str
    """Of the picture's file; empty for a video."""

    @property
    def about(self) -> tuple[str, str]:
        """As `Answer.about`."""
        return self.pixels, self.character


@dataclass(frozen=True)
class Found:
    """The questions that a run gives, and how many of its pictures cannot be shown."""

    items: tuple[Item, ...]
    missing: int


def items(run: Run) -> Found:
    """A question for each `ok` picture or video of `run`, about the character that it was made for.

    Pictures whose file is gone or lies outside the run folder are left out and counted. Raises UserError
    when none is left.
    """
    frames, root = run.frames(), run.path.resolve()
    found: dict[tuple[str, str], Item] = {}
    missing = 0
    for request in run.requests():
        rows = [r for r in frames.get(request.id, ()) if r.outcome == "ok" and r.file]
        if not rows:
            continue
        files = tuple(path for r in rows if (path := _inside(root, r.file or "")))
        if len(files) < len(rows):
            missing += 1
            continue
        item = _item(request, rows, files)
        earlier = found.get(item.about)
        found[item.about] = replace(earlier, images=earlier.images + item.images) if earlier else item
    if not found:
        raise UserError(
            f"All {missing} pictures of {run.path} are missing from the folder; there is nothing to label."
            if missing
            else f"{run.path} has no pictures to label; `copycat run` makes them."
        )
    return Found(tuple(found.values()), missing)


def _inside(root: Path, file: str) -> Path | None:
    path = (root / file).resolve()
    return path if path.is_relative_to(root) and path.is_file() else None


def _item(request: Request, rows: Sequence[ImageRow], files: tuple[Path, ...]) -> Item:
    hashes = [
        r.sha256 or hashlib.sha256(f.read_bytes()).hexdigest() for r, f in zip(rows, files, strict=True)
    ]
    video = bool(request.sampling.frames)
    return Item(
        pixels=hashlib.sha256("|".join(hashes).encode()).hexdigest() if video else hashes[0],
        character=request.character,
        condition=(request.mitigation, request.prompt_set),
        images=((rows[0].strip if video else None) or rows[0].file or "",),
        files=files,
        sha256="" if video else hashes[0],
    )


def sampled(asked: Sequence[Item], size: int | None, seed: int) -> tuple[Item, ...]:
    """`size` of the questions, the same for every rater; all for None.

    Conditions have the same share, as far as their pictures reach, and so have characters within each.
    A larger sample with the same seed holds the smaller one.
    """
    if size is None or size >= len(asked):
        return tuple(asked)
    r = random.Random(f"sample|{seed}")
    return tuple(_spread(asked, r))[:size]


def with_foils(asked: Sequence[Item], share: float, registry: Registry, seed: int) -> tuple[Item, ...]:
    """`asked`, and questions about a character that the picture was not made for: `share` times as many.

    The pictures are drawn as those of a sample are; the other character is any other of the run with the
    same chance, or of the registry where the run has one only. UserError where there is no other.
    """
    if not share:
        return tuple(asked)
    there = sorted({i.character for i in asked})
    people = there if len(there) > 1 else sorted(c.slug for c in registry.characters)
    if len(people) < 2:
        raise UserError(
            "Foils ask about another character, and the registry holds one only; leave --foils out."
        )
    r = random.Random(f"foils|{seed}")
    foils = []
    for item in list(_spread(asked, r))[: max(1, round(share * len(asked)))]:
        other = r.choice([slug for slug in people if slug != item.character])
        foils.append(replace(item, character=other, condition=(*item.condition, "foil")))
    known = {i.about for i in asked}
    return (*asked, *(f for f in foils if f.about not in known))


def _spread(asked: Iterable[Item], r: random.Random) -> Iterator[Item]:
    """All of `asked`, conditions in turn, and within each condition characters in turn."""
    conditions: dict[tuple[str, ...], dict[str, list[Item]]] = {}
    for item in asked:
        conditions.setdefault(item.condition, {}).setdefault(item.character, []).append(item)
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


def ordered(asked: Sequence[Item], rater: str, seed: int) -> tuple[Item, ...]:
    """The questions in `rater`'s own order: shuffled, every stretch with about each condition's share.

    Each condition is shuffled, laid evenly over the whole length, and its places drawn anew within each
    :data:`BLOCK`.
    """
    r = random.Random(f"order|{seed}|{rater}")
    conditions: dict[tuple[str, ...], list[Item]] = {}
    for item in sorted(asked, key=lambda i: (i.condition, i.about)):
        conditions.setdefault(item.condition, []).append(item)
    placed = [
        ((i // BLOCK + r.random()) * BLOCK / len(group), item)
        for group in conditions.values()
        for i, item in enumerate(_shuffled(group, r))
    ]
    return tuple(item for _, item in sorted(placed, key=lambda p: p[0]))
