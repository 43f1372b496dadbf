"""DETECT without the judge's errors: prevalence corrected for sensitivity and specificity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import hypot
from statistics import fmean
from typing import Any

import numpy as np

from copycat.records import current_kind
from copycat.stats.differences import population_difference
from copycat.stats.error_rates import Count, ErrorRate, Floats, fit, single
from copycat.stats.homogeneity import Homogeneity, homogeneity
from copycat.stats.intervals import Interval

SIGNIFICANT = 0.05
_TAILS = (0.025, 0.975)


@dataclass(frozen=True)
class JudgeError:
    """How often a judge is right, measured on pictures of known truth."""

    sensitivity: float
    """Share of pictures that show the character on which it says so; the true-positive rate, in [0, 1]."""
    specificity: float
    """Share of the others on which it does not say so; 1 − the false-positive rate, in [0, 1]."""
    positives: float | None = None
    """As many independent pictures as sensitivity was measured on; None where that was not written down."""
    negatives: float | None = None
    """As many as specificity was measured on."""
    source: str = ""
    """Where the figures come from, in words."""
    drawn: tuple[Floats, Floats] | None = field(default=None, compare=False, repr=False)
    """Sensitivities and specificities that the measurement leaves possible, where more is known than from how
    many pictures they are."""

    @property
    def known(self) -> bool:
        """Whether it is known how sure the rates are."""
        return self.drawn is not None or bool(self.positives and self.negatives)

    @property
    def draws(self) -> tuple[Floats, Floats]:
        """Sensitivities and specificities that are possible, as likely as each is; raises ValueError where
        that is not known."""
        if self.drawn is not None:
            return self.drawn
        if not self.positives or not self.negatives:
            raise ValueError("it is not known on how many pictures the rates were measured")
        yes = single(self.sensitivity, self.positives, _SEEDS[0])
        no = single(1 - self.specificity, self.negatives, _SEEDS[1])
        return yes.draws, 1 - no.draws


_SEEDS = (1, 2)
"""Of the draws of sensitivities, and of false-positive rates."""


@dataclass(frozen=True)
class Corrected:
    """A corrected prevalence in [0, 1], or a difference of two in [−1, 1], with its 95 % interval."""

    value: float
    low: float | None
    high: float | None
    """None where there is no interval to begin with, or where it is not known on how many pictures the judge
    was measured."""
    clipped: bool
    """Whether the estimate itself lay outside [0, 1] and was put at the nearest end: the judge said yes less
    often than its false-positive rate alone would make it, or more often than its sensitivity."""


def judge_error(
    rates: Mapping[str, Any] | None, question: str, mitigation: str | None = None
) -> JudgeError | None:
    """What a calibration file says about `question`; None where it says nothing.

    The rates at the top of the file are those of `identify`, unless its `question` says otherwise; those of
    further questions lie under `questions`. Where the file has the counts by character and mitigation, the
    rates are those under `mitigation`, as `copycat.stats.error_rates.fit` makes them; without a `mitigation`
    those of all pictures.
    """
    rates = rates or {}
    found = rates_of(rates, question)
    if found is None or found.get("tpr") is None or found.get("fpr") is None:
        return None
    made = _made(rates)
    by_mitigation = _fitted(found)
    if by_mitigation is None:
        positives, negatives = found.get("positives"), found.get("negatives")
        on = "" if positives is None or negatives is None else f" on {positives} and {negatives} pictures"
        loose = on and " taken for independent, since no counts by character are kept"
        return JudgeError(
            sensitivity=float(found["tpr"]),
            specificity=1 - float(found["fpr"]),
            positives=positives,
            negatives=negatives,
            source=f"TPR {float(found['tpr']):.4f} and FPR {float(found['fpr']):.4f}{on}{loose}{made}",
        )
    yes, no = by_mitigation
    tpr, fpr = (
        # Where mitigations were found to differ, one more may lie anywhere that they do.
        r.under(mitigation)
        if mitigation is not None and (mitigation in r.by_mitigation or differing(found))
        else single(r.pooled.hits / r.pooled.n, r.pooled.effective, seed)
        for r, seed in zip(by_mitigation, _SEEDS, strict=True)
    )
    most = max(yes.pooled.characters, no.pooled.characters)
    return JudgeError(
        sensitivity=tpr.value,
        specificity=1 - fpr.value,
        positives=yes.pooled.effective,
        negatives=no.pooled.effective,
        source=f"TPR {tpr.value:.4f} and FPR {fpr.value:.4f} on {yes.pooled.n} and {no.pooled.n} pictures of "
        f"{most} characters{_where(by_mitigation, mitigation)}{made}",
        drawn=(tpr.draws, 1 - fpr.draws),
    )


def rates_of(rates: Mapping[str, Any], question: str) -> Mapping[str, Any] | None:
    """The part of a calibration's `rates` that is about `question`; None where there is none."""
    own = {current_kind(kind): told for kind, told in (rates.get("questions") or {}).items()}
    found = rates if question == current_kind(rates.get("question", "identify")) else own.get(question)
    return found if isinstance(found, Mapping) else None


def counts(found: Mapping[str, Any], *, shown: bool) -> tuple[Count, ...]:
    """The counts by character and mitigation that `found`, rates of one question, keeps: of pictures that
    show the character, or else of the others."""
    cells = found.get("cells") or ()
    return tuple(
        Count(character, mitigation, tp if shown else fp, tp + fn if shown else fp + tn)
        for character, mitigation, tp, fp, fn, tn in cells
    )


def tests(found: Mapping[str, Any]) -> tuple[Homogeneity, Homogeneity]:
    """Whether TPR, and FPR, of one question's rates are the same under all mitigations that were labelled."""
    return homogeneity(counts(found, shown=True)), homogeneity(counts(found, shown=False))


def differing(found: Mapping[str, Any]) -> bool:
    """Whether the judge was found to err differently under some mitigation: either test of :func:`tests`, of
    two, at the level 0.05 (Bonferroni)."""
    return any(t.p is not None and t.p <= SIGNIFICANT / 2 for t in tests(found))


def _fitted(found: Mapping[str, Any]) -> tuple[ErrorRate, ErrorRate] | None:
    spread = found.get("reference") or {}
    yes = fit(counts(found, shown=True), float(spread.get("tpr_sd") or 0), _SEEDS[0])
    no = fit(counts(found, shown=False), float(spread.get("fpr_sd") or 0), _SEEDS[1])
    return (yes, no) if yes and no else None


def _where(rates: tuple[ErrorRate, ErrorRate], mitigation: str | None) -> str:
    """Which mitigations' pictures the rates are of."""
    measured = {m for r in rates for m in r.by_mitigation} - {""}
    if mitigation is None or not measured:
        return ""
    own = [r.under(mitigation).own for r in rates]
    if not any(own):
        others = ", ".join(sorted(measured))
        return f", none of them under {mitigation}, for which those of others ({others}) stand"
    if len(measured) == 1:
        return f", all under {mitigation}"
    under = " and ".join(str(o.n if o else 0) for o in own)
    return f", {under} of them under {mitigation}, whose own rates they are as far as those suffice"


def _made(rates: Mapping[str, Any]) -> str:
    made = ", ".join(
        told
        for told in (
            str(rates.get("source") or ""),
            f"measured by `{rates['command']}`" if rates.get("command") else "",
            f"commit {str(rates['commit'])[:7]}" if rates.get("commit") else "",
            f"cited from {rates['cited']}" if rates.get("cited") else "",
        )
        if told
    )
    return f" ({made})" if made else ""


def rogan_gladen(apparent: float, judge: JudgeError) -> float | None:
    """(p + Sp − 1) / (Se + Sp − 1), not clipped (Rogan and Gladen 1978).

    `apparent` is the share p on which the judge said yes. None where Se + Sp ≤ 1: such a judge says yes
    no more often where the character is than where it is not, and nothing can be corrected.
    """
    youden = judge.sensitivity + judge.specificity - 1
    return None if youden <= 0 else (apparent + judge.specificity - 1) / youden


def corrected(apparent: Interval, judge: JudgeError) -> Corrected | None:
    """The corrected prevalence with its interval; None where :func:`rogan_gladen` has none.

    `apparent` is the share on which the judge said yes, in [0, 1], with the interval that tables show.
    The gaps of that interval, divided by Se + Sp − 1, and those of the prevalences that the possible rates
    (:attr:`JudgeError.draws`) give this very share are joined by squares about the estimate (Zou and Donner
    2008). The interval is never narrower than that of `apparent`: what is cut off beyond 0 or 1 is added at
    the other end as far as that takes. Raises ValueError without a share.
    """
    if apparent.value is None:
        raise ValueError("there is no share to correct")
    value = rogan_gladen(apparent.value, judge)
    if value is None:
        return None
    shown = min(1.0, max(0.0, value))
    if apparent.low is None or apparent.high is None or not judge.known:
        return Corrected(shown, None, None, clipped=value != shown)
    se, sp = map(float, map(np.median, judge.draws))
    if se + sp <= 1:
        return Corrected(shown, 0.0, 1.0, clipped=value != shown)
    # A share that these rates cannot make is put at the nearest that they can, so that something is left.
    p = min(max(apparent.value, 1 - sp), se)
    middle = JudgeError(se, sp)
    centre = rogan_gladen(p, middle) or 0.0
    youden = min(se + sp, judge.sensitivity + judge.specificity) - 1
    gaps = (apparent.value - apparent.low) / youden, (apparent.high - apparent.value) / youden
    low, high = _joined(centre, gaps, *_ends(_corrections(p, judge), centre))
    low, high = _as_wide(min(low, shown), max(high, shown), apparent.high - apparent.low, 0.0)
    return Corrected(shown, low, high, clipped=value != shown)


Pairs = Mapping[str, Sequence[tuple[float, float]]]
"""Per character its pairs (base, other) of a judge's answers, 1 for yes."""


def corrected_difference(
    pairs: Pairs, raw: Interval, base: JudgeError, other: JudgeError, *, shared: bool = True
) -> Corrected | None:
    """Corrected prevalence of the other condition minus that of the base; None as :func:`rogan_gladen`.

    `raw` is the interval that is shown of the difference as the judge saw it, in [−1, 1]. Each side is
    corrected with its own rates, and not clipped before the difference is taken. Pairing is kept: what varies
    between characters is each one's difference, its answers divided by each side's Se + Sp − 1
    (`population_difference`). What is uncertain of the rates is drawn for both sides together where `shared`,
    as when both were judged by one judge and measured on the same labels: an error in a common rate then
    moves both and mostly cancels. Else the two are independent. The gaps are joined by squares. The interval
    is never narrower than `raw`. Raises ValueError without a pair.
    """
    kept = {c: p for c, p in pairs.items() if p}
    first, second = (fmean(fmean(pair[i] for pair in p) for p in kept.values()) for i in (0, 1))
    before, after = rogan_gladen(first, base), rogan_gladen(second, other)
    if before is None or after is None:
        return None
    value = after - before
    shown = min(1.0, max(-1.0, value))
    if raw.low is None or raw.high is None or raw.value is None or not (base.known and other.known):
        return Corrected(shown, None, None, clipped=value != shown)
    youdens = [j.sensitivity + j.specificity - 1 for j in (base, other)]
    largest = 1 / min(youdens)
    steps = [[(b / youdens[1] - a / youdens[0]) / largest for a, b in p] for p in kept.values()]
    found = population_difference(steps, largest)
    gaps = (
        max((found.value or 0) - (found.low or 0), raw.value - raw.low),
        max((found.high or 0) - (found.value or 0), raw.high - raw.value),
    )
    possible = _corrections(second, other, mixed=not shared) - _corrections(first, base)
    centre = float(np.median(possible)) if np.isfinite(possible).all() else value
    low, high = _joined(centre, gaps, *_ends(possible, centre))
    low, high = _as_wide(min(low, shown), max(high, shown), raw.high - raw.low, -1.0)
    return Corrected(shown, low, high, clipped=value != shown)


def _corrections(p: float, judge: JudgeError, *, mixed: bool = False) -> Floats:
    """What each of the possible rates makes of the share p; not a number where nothing can be corrected."""
    se, sp = judge.draws
    if mixed:
        order = np.random.default_rng(_SEEDS[0]).permutation(len(se))
        se, sp = se[order], sp[order]
    youden = se + sp - 1
    return np.where(youden > 0, (p + sp - 1) / np.where(youden > 0, youden, 1), np.nan)


def _ends(possible: Floats, centre: float) -> tuple[float, float]:
    """Gaps below and above `centre` of the middle 95 %, where what is not a number could be anything."""
    anything = np.isnan(possible)
    low = np.quantile(np.where(anything, -np.inf, possible), _TAILS[0], method="lower")
    high = np.quantile(np.where(anything, np.inf, possible), _TAILS[1], method="higher")
    return max(0.0, centre - float(low)), max(0.0, float(high) - centre)


def _joined(centre: float, gaps: tuple[float, float], below: float, above: float) -> tuple[float, float]:
    return centre - hypot(max(0.0, gaps[0]), below), centre + hypot(max(0.0, gaps[1]), above)


def _as_wide(low: float, high: float, least: float, bottom: float) -> tuple[float, float]:
    """The interval within [`bottom`, 1], widened at the end that is free until it has the width `least`."""
    low, high = max(bottom, low), min(1.0, high)
    high = min(1.0, max(high, low + least))
    return max(bottom, min(low, high - least)), high
