"""How numbers are written, the same everywhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from copycat.measures import DETECT, Measure, measure
from copycat.records import Agreement, Metric
from copycat.runs.calibrated import ELSEWHERE
from copycat.runs.manifest import Origin

NO_ORACLE = "Without oracle: mitigations guess from the prompt which character is meant"
CORRECTED = (
    f"Corrected is {DETECT.name} without the judge's known errors (Rogan and Gladen 1978), as far as its "
    "calibration holds for these pictures."
)
DASH = "–"


def origin_sentence(origin: Origin | None) -> str:
    """Where an imported or pulled run comes from; empty for one that was made here."""
    if not origin:
        return ""
    earlier = origin_sentence(origin.before)
    if origin.how == "imported":
        told = f"The pictures were made elsewhere and imported from {origin.source}."
    else:
        at = f" at {origin.revision[:12]}" if origin.revision else ""
        told = f"Pulled from {origin.source}{at}."
        if origin.withheld:
            told += " Its pictures are withheld; only their hashes and verdicts are here."
    return f"{told} {earlier}".strip()


def number(value: float | None, places: int, *, signed: bool = False) -> str:
    """`value` with a true minus sign; a dash for None. What is shown as zero has no sign."""
    if value is None:
        return DASH
    text = f"{value:+.{places}f}" if signed and round(value, places) else f"{value:z.{places}f}"
    return text.replace("-", "−")


def estimate(m: Metric | None) -> str:
    """Mean ± SD."""
    if m is None or m.value is None:
        return DASH
    places = measure(m.metric).places
    spread = f" ± {number(m.sd, places)}" if m.sd is not None else ""
    return number(m.value, places) + spread


def interval(low: float | None, high: float | None, places: int, *, signed: bool = False) -> str:
    """`[low, high]`."""
    if low is None or high is None:
        return DASH
    return f"[{number(low, places, signed=signed)}, {number(high, places, signed=signed)}]"


FIXED, POPULATION = "these characters", "characters like these"
"""What the two intervals of a number are called in tables: for those that were asked for, and for those of
whom they are a sample."""
INTERVALS = (
    f"Intervals are of 95 %: for {FIXED}, of which other pictures might have been drawn, and for "
    f"{POPULATION}, of which these are a sample."
)

DENOMINATORS = (
    "Refused, failed and unscored pictures are in no denominator but that of all asked for, which says what "
    "the count would be had none of them shown the character … had all of them."
)


def fixed_interval(m: Metric | None) -> str:
    """`[low, high]` for these very characters."""
    return DASH if m is None else interval(m.fixed_low, m.fixed_high, measure(m.metric).places)


def population_interval(m: Metric | None) -> str:
    """`[low, high]` for characters like these."""
    return DASH if m is None else interval(m.low, m.high, measure(m.metric).places)


def both_intervals(m: Metric) -> str:
    """Both intervals, named, for where there is no column for each."""
    return f"these {fixed_interval(m)}, like these {population_interval(m)}"


def of_all(m: Metric | None) -> str:
    """The number over all that was asked for: one where everything was scored, else from where all that was
    not had nothing to where all of it had everything."""
    if m is None or m.all_low is None or m.all_high is None:
        return DASH
    low, high = (number(x, measure(m.metric).places) for x in (m.all_low, m.all_high))
    return low if low == high else f"{low} … {high}"


def of_all_where_open(m: Metric | None) -> str:
    """The number over all that was asked for, named, of a count where some is not scored; else empty."""
    if m is None or not measure(m.metric).counts or m.all_low == m.all_high:
        return ""
    return f"of all asked for {of_all(m)}"


def agreement_sentence(a: Agreement) -> str:
    """One comparison of judges, in one line."""
    names = " and ".join(a.judges) if len(a.judges) == 2 else f"all {len(a.judges)} judges"
    return (
        f"{a.kind}: {names}: {a.statistic} {number(a.kappa, 3)}, "
        f"the same on {a.agree:.1%} of {a.images} pictures"
    )


def is_calibrated(rates: Mapping[str, Any] | None) -> bool:
    """Whether error rates were measured on pictures such as those that are judged."""
    return bool(rates) and ELSEWHERE not in (rates or {})


def judge_sentence(rates: Mapping[str, Any] | None) -> str:
    """What is known of the judge's errors, in one line."""
    if not rates:
        return "Judge: not calibrated, so its error rates are unknown."
    if ELSEWHERE in rates:
        return (
            "Judge: not calibrated on pictures of this model, so its error rates here are unknown; what is "
            f"known of it was measured on {rates[ELSEWHERE]}."
        )
    parts = []
    if rates.get("fpr") is not None:
        parts.append(f"false-positive rate {rates['fpr']:.1%}{_out_of(rates, 'negatives')}")
    if rates.get("fpr_lookalike") is not None:
        parts.append(f"{rates['fpr_lookalike']:.1%} on look-alikes")
    if rates.get("tpr") is not None:
        parts.append(f"true-positive rate {rates['tpr']:.1%}{_out_of(rates, 'positives')}")
    if rates.get("kappa") is not None:
        on = rates.get("pictures", "held-out pictures")
        parts.append(f"κ {rates['kappa']:.3f} on {rates.get('n', '?')} {on}")
    if rates.get("referee_kappa") is not None:
        parts.append(
            f"κ {rates['referee_kappa']:.3f} with the referee on {rates.get('referee_n', '?')} generated ones"
        )
    if not parts:
        return "Judge: not calibrated, so its error rates are unknown."
    source = f" ({rates['source']})" if rates.get("source") else ""
    return f"Judge: {', '.join(parts)}{source}{_measured(rates)}."


def _out_of(rates: Mapping[str, Any], which: str) -> str:
    return "" if rates.get(which) is None else f" of {rates[which]}"


def _measured(rates: Mapping[str, Any]) -> str:
    """By which command, at which commit, and where the run says so."""
    told = [f"measured by `{rates['command']}`"] if rates.get("command") else []
    told += [f"commit {str(rates['commit'])[:7]}"] if rates.get("commit") else []
    told += [f"cited from {rates['cited']}"] if rates.get("cited") else []
    return f"; {', '.join(told)}" if told else ""


def correction_sentences(metrics: Sequence[Metric]) -> list[str]:
    """What counts of characters were corrected with, and where that has limits; one line each."""
    notes: dict[tuple[str, str], list[str]] = {}
    for m in metrics:
        if m.corrected_note and measure(m.metric).tabled:
            notes.setdefault((m.metric, m.corrected_note), []).append(f"{m.mitigation} on {m.prompt_set}")
    if not notes:
        return ["Corrected: – where the judge's error rates are unknown."]
    sentences = []
    for (name, note), where in notes.items():
        whose = f" ({', '.join(where)})" if len(notes) > 1 else ""
        sentences.append(
            f"Corrected{whose}: {name} without the judge's known errors (Rogan and Gladen 1978), as far as "
            f"they hold for these pictures: {note}."
        )
    return sentences


def explanations(shown: Iterable[Measure]) -> str:
    """What each measure is, in one sentence."""
    parts = (f"{m.name} is {m.about[0].lower()}{m.about[1:].rstrip('.')}" for m in shown)
    return f"{'; '.join(parts)}."
