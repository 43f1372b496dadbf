"""What was estimated, as a record and as files: JSON, Markdown, CSV and the plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from copycat.imitation.bootstrap import Interval
from copycat.imitation.estimate import Estimate
from copycat.imitation.outliers import Outlier
from copycat.imitation.sensitivity import Varied
from copycat.io.atomic import write_bytes
from copycat.report import imitation as words
from copycat.report.files import csv_content
from copycat.report.markdown import escaped, grid
from copycat.report.words import DASH, number
from copycat.runs.imitation import FILE, Bounds, Choice, Curve, Imitation, Level, Odd, Point

TITLE = "Imitation threshold"
_CSV = (
    *("concept", "group", "count", "unit", "score", "sd_over_prompts", "pictures", "detected"),
    *("side", "outlier", "reasons", "notes"),
)


def record(
    found: Estimate,
    odd: Sequence[Outlier],
    varied: Sequence[Varied],
    left_out: Mapping[str, str],
    origin: Mapping[str, object],
    detected: Mapping[str, float] | None = None,
) -> Imitation:
    """The estimate as it is kept; `detected` is the share of each concept's pictures that a judge
    recognises, and `origin` are the fields of the record that say what it was made from."""
    curve = found.curve
    said = {
        "threshold": found.answer.threshold,
        "below": found.answer.below,
        "interval": _bounds(found.interval),
        "rule": found.settings.rule,
        "penalty": found.answer.penalty,
        "reference": found.reference.threshold,
        "reference_penalty": found.settings.penalty,
        "step_p": found.step_p,
        "trend_p": found.trend_p,
        "halfway": found.halfway,
        "curve": curve
        and Curve(
            low=curve.low,
            high=curve.high,
            slope=curve.slope,
            middle=curve.middle,
            interval=_bounds(found.middle),
        ),
        "noise": found.noise,
        "smallest_step": found.smallest_step,
        "levels": tuple(
            Level(first=s.first, concepts=s.concepts, mean=s.mean, least=s.least, most=s.most)
            for s in found.segments
        ),
        "points": tuple(
            Point(
                concept=s.concept,
                count=s.count,
                score=s.score,
                spread=s.spread,
                pictures=s.pictures,
                detected=(detected or {}).get(s.concept),
                group=s.group,
                notes=(*s.notes, *filter(None, [s.doubt])),
            )
            for s in found.order
        ),
        "outliers": tuple(
            Odd(
                concept=o.scored.concept,
                count=o.scored.count,
                score=o.scored.score,
                side=o.side,
                published=o.published,
                reasons=o.reasons,
            )
            for o in odd
        ),
        "sensitivity": tuple(
            Choice(choice=v.choice, threshold=v.found.threshold, concepts=v.concepts) for v in varied
        ),
        "left_out": dict(left_out),
    }
    return Imitation.model_validate({**said, **origin})


def _bounds(interval: Interval | None) -> Bounds | None:
    return Bounds(low=interval.low, high=interval.high, none=interval.none) if interval else None


def write(found: Imitation, folder: Path, examples: words.Examples | None = None) -> list[Path]:
    """Write threshold.json, .md, .csv, .svg and .png to `folder`; returns their paths."""
    content = {
        FILE: (found.model_dump_json(indent=1) + "\n").encode(),
        "threshold.md": markdown(found).encode(),
        "threshold.csv": csv_text(found).encode(),
        "threshold.svg": words.picture(found, "svg", examples),
        "threshold.png": words.picture(found, "png", examples),
    }
    for name, data in content.items():
        write_bytes(folder / name, data)
    return [folder / name for name in content]


def markdown(found: Imitation) -> str:
    """`threshold.md`."""
    out = [f"# {TITLE}", "", f"**{escaped(words.verdict(found))}**", ""]
    for sentence in (*words.remarks(found), words.about(found), words.source(found)):
        out += [escaped(sentence), ""]
    out += [f"![Imitation score against {words.unit(found)}](threshold.png)", ""]
    out += ["## Segments", "", *grid(("counts", "concepts", "mean score"), _levels(found))]
    if found.outliers:
        out += ["## On the other side than their count says", ""]
        out += grid(("concept", "count", "score", "is", "why, perhaps"), _odd(found))
    if found.sensitivity:
        out += ["## Had it been chosen otherwise", ""]
        out += grid(("choice", "threshold", "concepts"), _varied(found))
    out += ["## Concepts", ""]
    heads = ("concept", words.unit(found), "score", "SD over prompts", "pictures", "detected", "notes")
    noted = any(p.notes for p in found.points)
    rows = _points(found)
    # Hardly a run has any.
    out += grid(heads, rows) if noted else grid(heads[:-1], [row[:-1] for row in rows])
    return "\n".join(out)


def _levels(found: Imitation) -> list[tuple[str, ...]]:
    return [
        (f"{words.count(v.least)} to {words.count(v.most)}", str(v.concepts), number(v.mean, 3))
        for v in found.levels
    ]


_SIDES = {"above": "imitated though rare", "below": "not imitated though frequent"}


def _odd(found: Imitation) -> list[tuple[str, ...]]:
    return [
        (
            o.concept,
            words.count(o.count),
            number(o.score, 3),
            _SIDES[o.side] + (", by the published rule too" if o.published else ""),
            "; ".join(o.reasons),
        )
        for o in found.outliers
    ]


def _varied(found: Imitation) -> list[tuple[str, ...]]:
    return [
        (v.choice, "none" if v.threshold is None else words.count(v.threshold), str(v.concepts))
        for v in found.sensitivity
    ]


def _points(found: Imitation) -> list[tuple[str, ...]]:
    return [
        (
            p.concept,
            words.count(p.count),
            number(p.score, 3),
            DASH if p.spread is None else number(p.spread, 3),
            str(p.pictures),
            DASH if p.detected is None else f"{p.detected:.0%}",
            "; ".join(p.notes),
        )
        for p in found.points
    ]


def csv_text(found: Imitation) -> str:
    """`threshold.csv`: one line a concept, which `copycat threshold` reads back as a table of scores."""
    odd = {o.concept: o for o in found.outliers}
    rows = []
    first = found.first_after
    for i, p in enumerate(found.points):
        o = odd.get(p.concept)
        side = "" if first is None else "before" if i < first else "after"
        rows.append(
            {
                "concept": p.concept,
                "group": p.group,
                "count": p.count,
                "unit": found.unit,
                "score": p.score,
                "sd_over_prompts": p.spread,
                "pictures": p.pictures,
                "detected": p.detected,
                "side": side,
                "outlier": o.side if o else "",
                "reasons": "; ".join(o.reasons) if o else "",
                "notes": "; ".join(p.notes),
            }
        )
    return csv_content(_CSV, rows)
