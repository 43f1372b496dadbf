"""What is known of whether a judge errs as often under one mitigation as under another, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from copycat.measures import measures
from copycat.report.words import interval, number
from copycat.stats.homogeneity import Homogeneity
from copycat.stats.prevalence import SIGNIFICANT, Corrected, differing, rates_of, tests


def by_mitigation(rates: Mapping[str, Any] | None, *, tabled: bool = True) -> list[str]:
    """A sentence a question whose error rates correct a measure; of the measures that short tables show, or
    all. Nothing where no rates are known."""
    asked = dict.fromkeys(
        m.ask.kind for m in measures() if m.corrected and m.ask and (m.tabled or not tabled)
    )
    found = {kind: rates_of(rates or {}, kind) for kind in asked}
    return [_sentence(kind, told) for kind, told in found.items() if told and told.get("fpr") is not None]


def corrected_words(found: Corrected, places: int) -> str:
    """A corrected difference: `corrected −3.1 [−6.0, −0.2]`."""
    return (
        f"corrected {number(found.value, places, signed=True)} "
        f"{interval(found.low, found.high, places, signed=True)}"
    )


def _sentence(question: str, told: Mapping[str, Any]) -> str:
    start = f"Errors by mitigation ({question}):"
    known = {how for _, how, *_ in told.get("cells") or ()}
    if not known:
        return (
            f"{start} not tested, and intervals of the rates are not clustered by character, since the "
            "calibration keeps no counts by character and mitigation."
        )
    if known == {""}:
        return (
            f"{start} not tested, since the calibration does not keep of which mitigation its pictures are."
        )
    if len(known) == 1:
        only = known.pop()
        return f"{start} unknown, since all labelled pictures are of {only}, whose rates stand for all."
    shown, others = tests(told)
    rates = "; ".join((_rate("TPR", shown), _rate("FPR", others)))
    level = f"(two tests, each at {SIGNIFICANT / 2:g}, over characters)"
    if differing(told):
        return f"{start} they differ {level}. {rates}. Each mitigation is corrected with its own."
    if shown.p is None and others.p is None:
        return f"{start} not tested, since that takes two characters under two mitigations. {rates}."
    return (
        f"{start} no difference was found {level}. {rates}. Each mitigation is corrected with its own, drawn "
        "towards those of all as far as they agree."
    )


def _rate(name: str, found: Homogeneity) -> str:
    shares = ", ".join(f"{s.hits}/{s.n} under {m}" for m, s in found.by_mitigation.items()) or "no picture"
    if found.p is None or found.detectable is None:
        return f"{name} {shares}"
    p = "p < 0.001" if found.p < 0.001 else f"p = {found.p:.3f}"
    return (
        f"{name} {shares}: {p} of {found.characters} characters, where a difference of "
        f"{100 * found.detectable:.0f} points would be found four times in five"
    )
