"""DETECT without the judge's errors: prevalence corrected for sensitivity and specificity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import hypot
from typing import Any

from scipy import stats

from copycat.records import current_kind
from copycat.stats.gaps import LEVEL
from copycat.stats.intervals import Interval


@dataclass(frozen=True)
class JudgeError:
    """How often a judge is right, measured on pictures of known truth."""

    sensitivity: float
    """Share of pictures that show the character on which it says so; the true-positive rate, in [0, 1]."""
    specificity: float
    """Share of the others on which it does not say so; 1 − the false-positive rate, in [0, 1]."""
    positives: int | None = None
    """Pictures that sensitivity was measured on; None where that was not written down."""
    negatives: int | None = None
    """Pictures that specificity was measured on."""
    source: str = ""
    """Where the figures come from, in words."""


@dataclass(frozen=True)
class Corrected:
    """A corrected prevalence in [0, 1] with its 95 % interval."""

    value: float
    low: float | None
    high: float | None
    """None where there is no interval to begin with, or where it is not known on how many pictures the judge
    was measured."""
    clipped: bool
    """Whether the estimate itself lay outside [0, 1] and was put at the nearest end: the judge said yes less
    often than its false-positive rate alone would make it, or more often than its sensitivity."""


def judge_error(rates: Mapping[str, Any] | None, question: str) -> JudgeError | None:
    """What a calibration file says about `question`; None where it says nothing.

    The rates at the top of the file are those of `identify`, unless its `question` says otherwise; those of
    further questions lie under `questions`.
    """
    rates = rates or {}
    own = {current_kind(kind): told for kind, told in (rates.get("questions") or {}).items()}
    found = rates if question == current_kind(rates.get("question", "identify")) else own.get(question)
    if not isinstance(found, Mapping) or found.get("tpr") is None or found.get("fpr") is None:
        return None
    positives, negatives = found.get("positives"), found.get("negatives")
    on = "" if positives is None or negatives is None else f" on {positives} and {negatives} pictures"
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
    return JudgeError(
        sensitivity=float(found["tpr"]),
        specificity=1 - float(found["fpr"]),
        positives=positives,
        negatives=negatives,
        source=f"TPR {float(found['tpr']):.4f} and FPR {float(found['fpr']):.4f}{on}"
        + (f" ({made})" if made else ""),
    )


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
    That interval and the judge's errors, whose variance follows from the numbers of pictures that they were
    measured on (the delta method of Rogan and Gladen 1978, with one success and one failure added as Lang
    and Reiczigel 2014 do), are joined by squares about the estimate (Zou and Donner 2008). So it is never
    narrower than the sample alone would have it. Raises ValueError without a share.
    """
    if apparent.value is None:
        raise ValueError("there is no share to correct")
    value = rogan_gladen(apparent.value, judge)
    if value is None:
        return None
    shown = min(1.0, max(0.0, value))
    low, high = _interval(apparent.value, apparent.low, apparent.high, judge)
    return Corrected(
        value=shown,
        low=None if low is None else max(0.0, min(low, shown)),
        high=None if high is None else min(1.0, max(high, shown)),
        clipped=value != shown,
    )


def _interval(
    p: float, low: float | None, high: float | None, judge: JudgeError
) -> tuple[float | None, float | None]:
    if low is None or high is None or not judge.positives or not judge.negatives:
        return None, None
    of_se, of_sp = judge.positives + 2, judge.negatives + 2
    se = (judge.positives * judge.sensitivity + 1) / of_se
    sp = (judge.negatives * judge.specificity + 1) / of_sp
    youden = se + sp - 1
    if youden <= 0:
        return 0.0, 1.0
    # A share that these rates cannot make is put at the nearest that they can, so that something is left.
    p = min(max(p, 1 - sp), se)
    centre = (p + sp - 1) / youden
    variance = centre**2 * se * (1 - se) / of_se + (1 - centre) ** 2 * sp * (1 - sp) / of_sp
    z = float(stats.norm.ppf((1 + LEVEL) / 2))
    below, above = hypot(max(0.0, p - low), z * variance**0.5), hypot(max(0.0, high - p), z * variance**0.5)
    return centre - below / youden, centre + above / youden
