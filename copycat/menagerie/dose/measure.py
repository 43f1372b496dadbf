"""What the newcomers' pictures score, and what follows: the causal threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from statistics import fmean
from typing import Any

import numpy as np
from PIL import Image
from pydantic import BaseModel, ConfigDict
from scipy import stats

from copycat.cards.judges import load_judge_card
from copycat.imitation.counts import TRAINING
from copycat.imitation.encoding import Encoder, load_encoder
from copycat.imitation.estimate import FEWEST, Estimate, Settings, estimate
from copycat.imitation.filtering import Cuts, Vectors, calibrate
from copycat.imitation.outliers import outliers
from copycat.imitation.scores import Scored, imitation
from copycat.imitation.sensitivity import by_penalty, by_prompt
from copycat.imitation.write import record
from copycat.judges.gallery import labelled_vectors
from copycat.menagerie.dose.newcomers import TEMPLATES, newcomers, references
from copycat.menagerie.dose.recipe import DoseRecipe
from copycat.menagerie.dose.training import Drawn
from copycat.report.files import csv_content
from copycat.runs.imitation import Imitation

ENCODER = "menagerie-embedding"
FEWEST_NEWCOMERS = 4
"""With one count, for an interval of their scores."""


@dataclass(frozen=True)
class Row:
    """One picture of a newcomer."""

    training: int
    concept: str
    """Newcomer and training, as `ablon@2`: what has a count of its own."""
    group: str
    """The newcomer, which has other counts in other trainings."""
    count: int
    prompt: str
    seed: int
    score: float
    """Mean cosine with the nearest ten of its held-out pictures."""
    recognised: bool
    """Whether the reference picture nearest to it, of residents and newcomers, is its own, and nearer than
    the calibrated cut: DETECT by likeness, since the judge knows the residents' names only."""


class Level(BaseModel):
    """All newcomers with one count."""

    model_config = ConfigDict(frozen=True)
    count: int
    concepts: int
    score: float
    low: float | None
    """95 % interval for newcomers like these, by Student's t; None for fewer than FEWEST_NEWCOMERS."""
    high: float | None
    recognised: float
    """Share of pictures, in [0, 1]."""
    apart: float | None
    """Mean distance between the scores of two of the newcomers, 0 or more; None for a single one."""


class Causal(BaseModel):
    """What the experiment says."""

    model_config = ConfigDict(frozen=True)
    recipe: dict[str, Any]
    levels: tuple[Level, ...]
    monotone: bool | None
    """Whether no level's interval lies below that of a smaller count; None without intervals."""
    found: Imitation | None
    """The threshold, by the estimator of `copycat threshold`; None with too few newcomers for one."""
    steps: tuple[int, ...]
    """Of each training."""
    seconds: tuple[float, ...]
    encoder_tells_apart: bool


def rows_of(recipe: DoseRecipe, drawn: Sequence[Drawn]) -> tuple[list[Row], Cuts]:
    """A row for each picture, and how well the encoder tells all characters apart."""
    card = load_judge_card(ENCODER)
    encoder = load_encoder(card, "cpu")
    vectors, slugs = labelled_vectors(card, "cpu")
    residents = {
        slug: vectors[[i for i, s in enumerate(slugs) if s == slug]] for slug in dict.fromkeys(slugs)
    }
    own = {slug: _vectors(encoder, pixels) for slug, pixels in references(len(recipe.levels)).items()}
    everybody = {**residents, **own}
    cuts = calibrate(everybody)
    rows: list[Row] = []
    for training, made in enumerate(drawn):
        for i, who in enumerate(newcomers(len(recipe.levels))):
            for t in range(recipe.templates):
                seen = _vectors(encoder, made.pixels[i, t])
                scores = imitation(own[who.slug], seen)
                known = recognised(seen, everybody, who.slug, cuts.lower)
                concept, count = f"{who.slug}@{training}", made.counts[i]
                rows += [
                    Row(training, concept, who.slug, count, TEMPLATES[t], seed, score, yes)
                    for seed, (score, yes) in enumerate(zip(scores, known, strict=True))
                ]
    return rows, cuts


def _vectors(encoder: Encoder, pixels: np.ndarray[Any, np.dtype[np.uint8]]) -> Vectors:
    return encoder.vectors([Image.fromarray(p) for p in pixels])


def recognised(seen: Vectors, everybody: dict[str, Vectors], slug: str, cut: float) -> list[bool]:
    """Of each picture whether the reference picture nearest to it, of all in `everybody`, is one of `slug`,
    and nearer than `cut`."""
    nearest = {other: (seen @ theirs.T).max(axis=1) for other, theirs in everybody.items()}
    mine = nearest.pop(slug)
    others = np.max(list(nearest.values()), axis=0)
    return [bool(yes) for yes in (mine > others) & (mine > cut)]


def causal_of(
    recipe: DoseRecipe,
    rows: Sequence[Row],
    drawn: Sequence[Drawn],
    cuts: Cuts,
    command: str,
    commit: str | None,
) -> Causal:
    """The experiment's answer."""
    levels = tuple(_level(n, [r for r in rows if r.count == n]) for n in sorted({r.count for r in rows}))
    scored = scored_of(rows)
    found = None
    if len(scored) >= FEWEST:
        made: Estimate = estimate(scored, Settings())
        varied = [*by_penalty(made), *by_prompt(made)]
        origin = {
            "source": f"newcomers, recipe {recipe.name}",
            "encoder": ENCODER,
            "command": command,
            "commit": commit,
            "unit": TRAINING,
            "chosen": True,
        }
        found = record(made, outliers(made), varied, {}, origin)
    return Causal(
        recipe=recipe.model_dump(),
        levels=levels,
        monotone=_rises(levels),
        found=found,
        steps=tuple(d.steps for d in drawn),
        seconds=tuple(round(d.seconds, 1) for d in drawn),
        encoder_tells_apart=cuts.apart,
    )


def _rises(levels: Sequence[Level]) -> bool | None:
    bounds = [(v.low, v.high) for v in levels if v.low is not None and v.high is not None]
    if len(bounds) < len(levels):
        return None
    return all(high >= low for i, (low, _) in enumerate(bounds) for _, high in bounds[i + 1 :])


def scored_of(rows: Sequence[Row]) -> list[Scored]:
    """The rows as concepts: one for each newcomer and training, those of a newcomer in one group."""
    found: dict[str, dict[str, list[float]]] = {}
    counts: dict[str, int] = {}
    groups: dict[str, str] = {}
    for r in rows:
        groups[r.concept] = r.group
        counts[r.concept] = r.count
        found.setdefault(r.concept, {}).setdefault(r.prompt, []).append(r.score)
    return [
        Scored(c, float(counts[c]), tuple(map(tuple, by.values())), tuple(by), group=groups[c])
        for c, by in found.items()
    ]


def _level(count: int, rows: Sequence[Row]) -> Level:
    by: dict[str, list[Row]] = {}
    for r in rows:
        by.setdefault(r.concept, []).append(r)
    means = np.array([np.mean([r.score for r in mine]) for mine in by.values()])
    low = high = None
    if means.size >= FEWEST_NEWCOMERS:
        gap = float(stats.t.ppf(0.975, means.size - 1) * stats.sem(means))
        low, high = float(means.mean()) - gap, float(means.mean()) + gap
    recognised = float(np.mean([r.recognised for r in rows]))
    pairs = [abs(a - b) for a, b in combinations(means.tolist(), 2)]
    return Level(
        count=count,
        concepts=len(by),
        score=float(means.mean()),
        low=low,
        high=high,
        recognised=recognised,
        apart=fmean(pairs) if pairs else None,
    )


_COLUMNS = tuple(Row.__dataclass_fields__)


def csv_of(rows: Sequence[Row]) -> str:
    """All rows, which `copycat threshold` reads as a table of scores."""
    return csv_content(_COLUMNS, (asdict(r) for r in rows))
