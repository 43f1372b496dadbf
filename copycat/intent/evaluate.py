"""How well a detector tells prompts that are after a character from neutral ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, ConfigDict

from copycat.errors import UserError
from copycat.intent.base import Detector, Guess
from copycat.intent.neutral import Neutral
from copycat.intent.threshold import DEFAULT_FPR, operating_point, reached_at
from copycat.prompts import Prompt
from copycat.stats.roc import Points, auroc, curve, tpr_at

LOW_FPR, FPR = 0.01, DEFAULT_FPR
"""The false-positive rates that sensitivity is told at; the second is a gate's default."""
ALL = "all sets"


class SetResult(BaseModel):
    """One prompt set against the neutral prompts."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    set: str
    prompts: int
    auc: float
    """In [0, 1]; 0.5 is chance."""
    tpr_at_1: float
    """True-positive rate at a false-positive rate of at most 1 %."""
    tpr_at_5: float
    guessed: float
    """Share of prompts whose best match is their character, whether or not the score counts."""
    told: float
    """Share that reaches the threshold at 5 % with the right character: what `--no-oracle` passes on."""


class GateReport(BaseModel):
    """What `copycat gate` measured."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    registry: str
    version: int
    detector: str
    neutral: int
    threshold: float
    """Where a gate with the default options says yes."""
    unanswered: int
    """Prompts of both kinds on which the detector failed; they are counted nowhere else."""
    false_positives: tuple[tuple[str, str, float], ...]
    """Neutral prompts that reach the threshold: text, character, score; highest first."""
    fpr_plain: float
    """Share of the plain neutral prompts that reach it."""
    fpr_near: float | None
    """Share of those that come close to a character."""
    fpr_held_out: float
    """Each half of the neutral prompts under the threshold at 5 % that the other half gives."""
    sets: tuple[SetResult, ...]


@dataclass(frozen=True)
class Measured:
    """The report, and the curve of each set for the picture."""

    report: GateReport
    curves: Mapping[str, Points]


def measure(
    detector: Detector,
    registry: tuple[str, int],
    neutral: Sequence[Neutral],
    sets: Mapping[str, Sequence[Prompt]],
) -> Measured:
    """Score everything once. `registry` is its name and version; `sets` by name, none empty."""
    neutral, nobody, failed = _answered(neutral, detector.guess([n.text for n in neutral]))
    base = [g.score for g in nobody]
    threshold = operating_point(detector, base, FPR)
    if threshold is None or not base:
        raise UserError(f"{detector.identity} answered no neutral prompt, so there is nothing to measure.")
    sets, guesses = dict(sets), {}
    for name, prompts in sets.items():
        sets[name], guesses[name], lost = _answered(prompts, detector.guess([p.text for p in prompts]))
        failed += lost
    sets = {name: prompts for name, prompts in sets.items() if prompts}
    guesses = {name: guesses[name] for name in sets}
    if len(sets) > 1:
        sets = {**sets, ALL: [p for prompts in sets.values() for p in prompts]}
        guesses[ALL] = [g for each in guesses.values() for g in each]
    results = [_set(name, sets[name], given, base, threshold) for name, given in guesses.items()]
    hits = [
        (n.text, g.slug or "", g.score) for n, g in zip(neutral, nobody, strict=True) if g.score >= threshold
    ]
    report = GateReport(
        registry=registry[0],
        version=registry[1],
        detector=detector.identity,
        neutral=len(neutral),
        threshold=threshold,
        unanswered=failed,
        false_positives=tuple(sorted(hits, key=lambda h: -h[2])),
        fpr_plain=_share([s for s, n in zip(base, neutral, strict=True) if n.near is None], threshold) or 0.0,
        fpr_near=_share([s for s, n in zip(base, neutral, strict=True) if n.near is not None], threshold),
        fpr_held_out=_held_out(base),
        sets=tuple(results),
    )
    return Measured(report, {name: curve([g.score for g in given], base) for name, given in guesses.items()})


Item = TypeVar("Item")


def _answered(items: Sequence[Item], guesses: Sequence[Guess]) -> tuple[list[Item], list[Guess], int]:
    """What the detector answered, and how often it did not."""
    both = [(i, g) for i, g in zip(items, guesses, strict=True) if g.answered]
    return [i for i, _ in both], [g for _, g in both], len(items) - len(both)


def _set(
    name: str, prompts: Sequence[Prompt], guesses: Sequence[Guess], base: Sequence[float], threshold: float
) -> SetResult:
    scores = [g.score for g in guesses]
    right = [g.slug == p.character for g, p in zip(guesses, prompts, strict=True)]
    told = [r and g.score >= threshold for r, g in zip(right, guesses, strict=True)]
    return SetResult(
        set=name,
        prompts=len(prompts),
        auc=round(auroc(scores, base), 4),
        tpr_at_1=round(tpr_at(scores, base, LOW_FPR), 4),
        tpr_at_5=round(tpr_at(scores, base, FPR), 4),
        guessed=round(sum(right) / len(right), 4),
        told=round(sum(told) / len(told), 4),
    )


def _share(scores: Sequence[float], threshold: float) -> float | None:
    return round(sum(s >= threshold for s in scores) / len(scores), 4) if scores else None


def _held_out(base: Sequence[float]) -> float:
    """Even and odd prompts take turns, since neighbours are of one kind."""
    halves = base[::2], base[1::2]
    wrong = sum(
        sum(s >= reached_at(mine, FPR) for s in theirs) for mine, theirs in (halves, halves[::-1]) if mine
    )
    return round(wrong / len(base), 4)
