"""Who is new, and the pictures that a training has."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from functools import cache, partial

import numpy as np
import numpy.typing as npt

from copycat.menagerie.captions import NAMED
from copycat.menagerie.corpus import REFERENCES, Sample, loose_samples, training_samples
from copycat.menagerie.dose.recipe import Asked, DoseRecipe
from copycat.menagerie.drawing import draw_on_all_cores
from copycat.menagerie.render import render
from copycat.menagerie.world import Inhabitant, describe, make_inhabitants

Pixels = npt.NDArray[np.uint8]
REFERENCES_EACH = 24
"""Held-out pictures of each newcomer: the same at every count, 0 included, where there are no training
pictures."""
_SEED, _CANDIDATES, _PICKED = 23, 60, 97
TEMPLATES = ("{who}", "a picture of {who}", "an image of {who}", "drawing of {who}", "a {who}")
"""Prompts that ask for a character in the ways in which captions of the corpus begin."""


@cache
def newcomers(n: int) -> tuple[Inhabitant, ...]:
    """The first `n` that share no name, and no species with colour, with a resident; without pictures yet."""
    residents = make_inhabitants()
    names = {text for p in residents for text in (p.name, p.alias)}
    bodies = {(p.figure.species, p.figure.colour) for p in residents}
    found = [
        replace(p, training_images=0)
        for p in make_inhabitants(_CANDIDATES, seed=_SEED)
        if not {p.name, p.alias} & names and (p.figure.species, p.figure.colour) not in bodies
    ]
    if len(found) < n:
        raise ValueError(f"there are {len(found)} newcomers")
    return tuple(found[:n])


def everybody(counts: Sequence[int]) -> list[Inhabitant]:
    """The residents, and newcomers with `counts` pictures."""
    new = newcomers(len(counts))
    return make_inhabitants() + [replace(p, training_images=n) for p, n in zip(new, counts, strict=True)]


def samples_of(recipe: DoseRecipe, training: int) -> list[Sample]:
    """The newcomers' pictures, mislabelled names and near-duplicates as the shipped corpus has them, then
    residents' pictures and generic creatures in the recipe's proportion: the same ones in every
    training."""
    people, residents = everybody(recipe.counts(training)), len(make_inhabitants())
    whole = [*training_samples(people, _generic()), *loose_samples(people)]
    new = [s for s in whole if s.character >= residents]
    old = [s for s in whole if s.character < residents]
    if recipe.scratch:
        return new + old
    kept = min(len(old), round(recipe.replay * len(new)))
    picked = random.Random(_PICKED).sample(range(len(old)), kept)
    return new + [old[i] for i in sorted(picked)]


def _generic() -> int:
    # It brings pydantic, which the processes that draw need not load.
    from copycat.menagerie.train.recipe import RECIPES

    return RECIPES["full"].generic


def draw(
    samples: Sequence[Sample], newcomers_: int, workers: int | None = None, named: float = NAMED
) -> tuple[Pixels, list[str]]:
    """Pictures, uint8 of shape (n, 32, 32, 3), and captions of `samples`, for so many newcomers, whom a share
    `named` of the captions of their pictures names."""
    drawn = draw_on_all_cores(partial(_draw, newcomers_=newcomers_, named=named), samples, workers)
    return np.stack([pixels for pixels, _ in drawn]), [text for _, text in drawn]


def _draw(samples: Sequence[Sample], newcomers_: int, named: float) -> list[tuple[Pixels, str]]:
    people, residents = everybody([0] * newcomers_), len(make_inhabitants())
    drawn = [s.draw(people, named if s.character >= residents else NAMED) for s in samples]
    return [(np.asarray(image), text) for image, text in drawn]


def references(n: int) -> dict[str, Pixels]:
    """Held-out pictures of each newcomer, uint8 (REFERENCES_EACH, 32, 32, 3), by slug."""
    found = {}
    for i, p in enumerate(newcomers(n)):
        # Behind those of the residents' references.
        first = REFERENCES + 5 * 10**8 + i * 10_000
        seen = [render(p.figure, random.Random(first + k))[0] for k in range(REFERENCES_EACH)]
        found[p.slug] = np.stack([np.asarray(s) for s in seen])
    return found


def prompts(who: Inhabitant, templates: int, asked: Asked = "name") -> list[str]:
    """The first so many prompts that ask for `who`."""
    said = who.name if asked == "name" else describe(who.figure)
    return [t.format(who=said) for t in TEMPLATES[:templates]]
