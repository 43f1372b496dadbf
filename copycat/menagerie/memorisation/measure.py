"""What the newcomers' pictures are: near copies of what was learnt, the newcomer otherwise, or neither."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image
from pydantic import BaseModel, ConfigDict

from copycat.cards.judges import load_judge_card
from copycat.copies.build import read_thresholds
from copycat.copies.calibration import Thresholds
from copycat.copies.gallery import Gallery
from copycat.copies.looks import Encoder, Looks, describe
from copycat.copies.rungs import rungs
from copycat.imitation.encoding import load_encoder
from copycat.imitation.filtering import calibrate
from copycat.io.paths import DATA
from copycat.judges.gallery import labelled_vectors
from copycat.menagerie.corpus import Pixels
from copycat.menagerie.dose.measure import ENCODER, recognised
from copycat.menagerie.dose.newcomers import TEMPLATES, newcomers, references
from copycat.menagerie.memorisation.corpus import unseen
from copycat.menagerie.memorisation.recipe import MemorisationRecipe
from copycat.menagerie.memorisation.training import Drawn
from copycat.stats.intervals import fixed_set

LOWEST = "near-copy"
"""The rung from which on a picture counts as a near copy."""


@dataclass(frozen=True)
class Row:
    """One picture of a newcomer."""

    training: int
    newcomer: str
    pictures: int
    copies: int
    prompt: str
    seed: int
    rung: str
    """The highest that it reaches with a picture that was learnt; empty for none."""
    near_copy: bool
    """Whether that is a near copy or nearer."""
    by_chance: bool
    """The same with as many pictures of the newcomer that no model saw."""
    recognised: bool
    """Whether it shows the newcomer: see :func:`copycat.menagerie.dose.measure.recognised`."""


class Estimate(BaseModel):
    """A share with its 95 % interval for these very newcomers, of whom other pictures might be drawn."""

    model_config = ConfigDict(frozen=True)
    value: float
    low: float | None
    high: float | None


class Level(BaseModel):
    """All pictures of one dose."""

    model_config = ConfigDict(frozen=True)
    pictures: int
    copies: int
    newcomers: int
    outputs: int
    near_copy: Estimate
    by_chance: Estimate
    recognised: Estimate
    imitated: Estimate
    """Recognised, and no near copy of what was learnt."""
    held_out: float
    """Share of other pictures of these newcomers, which nobody generated, that are near copies of what was
    learnt."""


def rows_of(
    recipe: MemorisationRecipe, drawn: Sequence[Drawn]
) -> tuple[list[Row], dict[tuple[int, int], list[float]]]:
    """A row for each picture; and by dose, of each newcomer, the share of its held-out pictures that are near
    copies of what was learnt."""
    card = load_judge_card(ENCODER)
    encoder = load_encoder(card, "cpu")
    thresholds = read_thresholds(DATA / "judges" / "menagerie-ladder.json")
    vectors, slugs = labelled_vectors(card, "cpu")
    residents = {s: vectors[[i for i, t in enumerate(slugs) if t == s]] for s in dict.fromkeys(slugs)}
    kept = references(recipe.people)
    own = {slug: _looks(pixels, encoder) for slug, pixels in kept.items()}
    everybody = {**residents, **{slug: looks.vectors for slug, looks in own.items()}}
    cut = calibrate(everybody).lower
    rows: list[Row] = []
    held: dict[tuple[int, int], list[float]] = {}
    for training, made in enumerate(drawn):
        for i, who in enumerate(newcomers(recipe.people)):
            dose = recipe.dose(i, training)
            learnt = _gallery(made.seen[i], who.slug, encoder)
            other = _gallery(unseen(i, who, dose.pictures), who.slug, encoder)
            mine = own[who.slug]
            near = [is_near(_rung(mine, k, learnt, thresholds)) for k in range(len(mine))]
            held.setdefault((dose.pictures, dose.copies), []).append(float(np.mean(near)))
            for t in range(recipe.templates):
                looks = _looks(made.pixels[i, t], encoder)
                known = recognised(looks.vectors, everybody, who.slug, cut)
                for seed in range(recipe.seeds):
                    rung = _rung(looks, seed, learnt, thresholds)
                    rows.append(
                        Row(
                            training, who.slug, dose.pictures, dose.copies, TEMPLATES[t], seed, rung,
                            is_near(rung), is_near(_rung(looks, seed, other, thresholds)), known[seed],
                        )
                    )  # fmt: skip
    return rows, held


def levels_of(rows: Sequence[Row], held: dict[tuple[int, int], list[float]]) -> tuple[Level, ...]:
    """A level for each dose, by how many pictures were shown, then by how many different ones."""
    doses = sorted({(r.pictures * r.copies, r.pictures, r.copies) for r in rows})
    return tuple(
        _level([r for r in rows if (r.pictures, r.copies) == (n, d)], held[n, d]) for _, n, d in doses
    )


def _level(rows: Sequence[Row], held: Sequence[float]) -> Level:
    by: dict[tuple[int, str], list[Row]] = {}
    for r in rows:
        by.setdefault((r.training, r.newcomer), []).append(r)

    def share(values: Sequence[Sequence[bool]]) -> Estimate:
        found = fixed_set([[float(v) for v in mine] for mine in values])
        return Estimate(value=found.value or 0.0, low=found.low, high=found.high)

    return Level(
        pictures=rows[0].pictures,
        copies=rows[0].copies,
        newcomers=len(by),
        outputs=len(rows),
        near_copy=share([[r.near_copy for r in mine] for mine in by.values()]),
        by_chance=share([[r.by_chance for r in mine] for mine in by.values()]),
        recognised=share([[r.recognised for r in mine] for mine in by.values()]),
        imitated=share([[r.recognised and not r.near_copy for r in mine] for mine in by.values()]),
        held_out=float(np.mean(held)),
    )


def is_near(rung: str) -> bool:
    """Whether a rung, "" for none, is a near copy or nearer."""
    names = [r.name for r in rungs()]
    return rung in names[: names.index(LOWEST) + 1]


def _rung(looks: Looks, row: int, gallery: Gallery, thresholds: Thresholds) -> str:
    one = looks.one(row)
    for rung in rungs():
        match, cut = rung.match(one, gallery), thresholds.value(rung.name)
        if match is not None and cut is not None and match.likeness >= cut:
            return rung.name
    return ""


def _looks(pixels: Pixels, encoder: Encoder) -> Looks:
    return describe([Image.fromarray(p) for p in pixels], encoder, mirror=True)


def _gallery(pixels: Pixels, slug: str, encoder: Encoder) -> Gallery:
    looks = describe([Image.fromarray(p) for p in pixels], encoder)
    return Gallery(looks, tuple(map(str, range(len(looks)))), (slug,) * len(looks))
