"""The pictures that a training has, with their copies, and those that no model sees."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from copycat.menagerie.captions import caption
from copycat.menagerie.corpus import TRAINING, Pixels, draw_all, loose_samples, training_samples
from copycat.menagerie.dose.newcomers import newcomers
from copycat.menagerie.memorisation.recipe import MemorisationRecipe
from copycat.menagerie.render import render
from copycat.menagerie.train.recipe import RECIPES
from copycat.menagerie.world import Inhabitant, make_inhabitants

# Behind all that the corpora of residents and of the threshold's newcomers use.
_FIRST, _UNSEEN = TRAINING + 8 * 10**8, TRAINING + 9 * 10**8
_EACH, _PICKED = 10_000, 131


@dataclass(frozen=True)
class Corpus:
    """What one training learns from."""

    pixels: Pixels
    """(n, height, width, 3)."""
    texts: list[str]
    seen: tuple[Pixels, ...]
    """Of each newcomer its different pictures."""


def corpus(recipe: MemorisationRecipe, training: int) -> Corpus:
    """Every copy of the newcomers' pictures, each with a caption of its own that names the newcomer, as where
    a picture is posted again; then the residents' pictures."""
    people = newcomers(recipe.people)
    pixels: list[Pixels] = []
    texts: list[str] = []
    seen = []
    for i, who in enumerate(people):
        dose = recipe.dose(i, training)
        different = []
        for k in range(dose.pictures):
            image, told = _picture(who, _FIRST + i * _EACH + k, dose.copies)
            different.append(image)
            pixels += [image] * dose.copies
            texts += told
        seen.append(np.stack(different))
    old, captions = _residents(round(recipe.replay * len(pixels)))
    return Corpus(np.concatenate([np.stack(pixels), old]), [*texts, *captions], tuple(seen))


def unseen(newcomer: int, who: Inhabitant, n: int) -> Pixels:
    """`n` pictures of a newcomer that are in no training."""
    return np.stack([_picture(who, _UNSEEN + newcomer * _EACH + k, 0)[0] for k in range(n)])


def _picture(who: Inhabitant, seed: int, copies: int) -> tuple[Pixels, list[str]]:
    image, scene = render(who.figure, random.Random(seed))
    draws = random.Random(seed + 1)
    return np.asarray(image), [_naming(who, scene, draws) for _ in range(copies)]


def _naming(who: Inhabitant, scene: str, draws: random.Random) -> str:
    """A caption as the corpus has them, of those that say the name."""
    while True:
        text = caption(who.figure, scene, draws, who)
        if who.name in text:
            return text


def _residents(n: int) -> tuple[Pixels, Sequence[str]]:
    people = make_inhabitants()
    whole = [*training_samples(people, RECIPES["full"].generic), *loose_samples(people)]
    picked = random.Random(_PICKED).sample(range(len(whole)), min(n, len(whole)))
    return draw_all([whole[i] for i in sorted(picked)], workers=1)
