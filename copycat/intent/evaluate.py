"""How well a detector tells prompts that are after a character from neutral ones."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from copycat.errors import UserError
from copycat.intent.base import Detector, Guess
from copycat.intent.threshold import DEFAULT_FPR, operating_point, reached_at
from copycat.records import Row
from copycat.stats.roc import Points, auroc, curve, tpr_at
from copycat.subjects.neutral import Neutral
from copycat.subjects.prompts import Prompt

LOW_FPR, FPR = 0.01, DEFAULT_FPR
"""The false-positive rates that sensitivity is told at; the second is a gate's default."""
ALL = "all sets"


class SetResult(Row):
    """One prompt set against the neutral prompts."""

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
    reached: float | None = None
    """Share that reaches the threshold, whoever it is taken for; None in a report of an earlier version."""


class GateReport(Row):
    """What `copycat gate` measured."""

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

    def lines(self) -> Iterator[str]:
        """The report as a terminal shows it: a table of the sets, then the false positives."""
        yield f"{self.detector} on {self.registry} version {self.version}, {self.neutral} neutral prompts"
        rows = [("SET", "PROMPTS", "AUC", "TPR AT 1 %", "TPR AT 5 %", "GUESSED", "TOLD")]
        rows += [
            (
                s.set, str(s.prompts), f"{s.auc:.3f}", f"{s.tpr_at_1:.2f}", f"{s.tpr_at_5:.2f}",
                f"{s.guessed:.2f}", f"{s.told:.2f}",
            )
            for s in self.sets
        ]  # fmt: skip
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            yield "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
        near = "" if self.fpr_near is None else f"; {self.fpr_near:.0%} of those near a character"
        yield (
            f"The guardrail would act on {len(self.false_positives)} of {self.neutral} neutral prompts "
            f"({self.fpr_plain:.0%} of the plain ones{near}), at a score of {self.threshold:.4f} or more; "
            f"{self.fpr_held_out:.0%} with thresholds from the other half of them."
        )
        if self.unanswered:
            yield f"{self.unanswered} prompts got no answer and are counted nowhere."
        for text, slug, score in self.false_positives:
            yield f"  {score:.3f}  {text}  (taken for {slug})"


@dataclass(frozen=True)
class Measured:
    """The report, and the curve of each set for the picture."""

    report: GateReport
    curves: Mapping[str, Points]

    def picture(self) -> bytes:
        """A PNG of the ROC curves: one a prompt set, with its area."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(6.4, 5.6), dpi=130, layout="constrained")
        axes = figure.add_subplot()
        areas = {s.set: s.auc for s in self.report.sets}
        for name, points in self.curves.items():
            axes.plot(points[:, 0], points[:, 1], label=f"{name} ({areas[name]:.3f})", linewidth=1.6)
        axes.plot([0, 1], [0, 1], color="0.7", linestyle="--", linewidth=1)
        axes.set(
            xlabel=f"false-positive rate on {self.report.neutral} neutral prompts",
            ylabel="true-positive rate on character prompts",
            title=f"{self.report.registry}: {self.report.detector}",
            xlim=(-0.01, 1),
            ylim=(0, 1.01),
        )
        axes.title.set_fontsize(9)
        axes.legend(title="prompt set (AUC)", loc="lower right", fontsize=8)
        png = io.BytesIO()
        figure.savefig(png, format="png")
        return png.getvalue()


def measure(
    detector: Detector,
    registry: tuple[str, int],
    neutral: Sequence[Neutral],
    sets: Mapping[str, Sequence[Prompt]],
) -> Measured:
    """Score everything once. `registry` is its name and version; `sets` by name, none empty."""
    nobody = _answered(detector, neutral)
    base = [g.score for _, g in nobody]
    threshold = operating_point(detector, base, FPR)
    if threshold is None or not base:
        raise UserError(f"{detector.identity} answered no neutral prompt, so there is nothing to measure.")
    found = {name: pairs for name, prompts in sets.items() if (pairs := _answered(detector, prompts))}
    asked = len(neutral) + sum(map(len, sets.values()))
    answered = len(nobody) + sum(map(len, found.values()))
    if len(found) > 1:
        found[ALL] = [pair for pairs in found.values() for pair in pairs]
    hits = [(n.text, g.slug or "", g.score) for n, g in nobody if g.score >= threshold]
    plain, near = ([g.score for n, g in nobody if (n.near is None) == is_plain] for is_plain in (True, False))
    report = GateReport(
        registry=registry[0],
        version=registry[1],
        detector=detector.identity,
        neutral=len(nobody),
        threshold=threshold,
        unanswered=asked - answered,
        false_positives=tuple(sorted(hits, key=lambda h: -h[2])),
        fpr_plain=_share(plain, threshold) or 0.0,
        fpr_near=_share(near, threshold),
        fpr_held_out=_held_out(base),
        sets=tuple(_set(name, pairs, base, threshold) for name, pairs in found.items()),
    )
    curves = {name: curve([g.score for _, g in pairs], base) for name, pairs in found.items()}
    return Measured(report, curves)


Asked = TypeVar("Asked", Neutral, Prompt)


def _answered(detector: Detector, asked: Sequence[Asked]) -> list[tuple[Asked, Guess]]:
    """The detector's guesses beside what they are about, without those on which it failed."""
    guesses = detector.guess([a.text for a in asked])
    return [(a, g) for a, g in zip(asked, guesses, strict=True) if g.answered]


def _set(
    name: str, pairs: Sequence[tuple[Prompt, Guess]], base: Sequence[float], threshold: float
) -> SetResult:
    scores = [g.score for _, g in pairs]
    right = [g.slug == p.character for p, g in pairs]
    told = [g.slug == p.character and g.score >= threshold for p, g in pairs]
    return SetResult(
        set=name,
        prompts=len(pairs),
        auc=round(auroc(scores, base), 4),
        tpr_at_1=round(tpr_at(scores, base, LOW_FPR), 4),
        tpr_at_5=round(tpr_at(scores, base, FPR), 4),
        guessed=round(sum(right) / len(right), 4),
        told=round(sum(told) / len(told), 4),
        reached=_share(scores, threshold),
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
