"""The ladder for readers: sentences and tables' cells."""

from __future__ import annotations

from copycat.copies.calibration import STYLE
from copycat.copies.rungs import rungs
from copycat.report.ladder import label, percent
from copycat.report.words import DASH
from copycat.runs.ladder import CHARACTER, NONE, Ladder

TITLE = "Near-verbatim ladder"


def meanings() -> dict[str, str]:
    """What each rung means, highest first, as the rest of a sentence about a picture."""
    return {
        **{r.name: r.about for r in rungs()},
        CHARACTER: "is none of these, and the run's judge sees the character in it",
        STYLE: "is none of these, and is more like the references than photographs are",
        NONE: "is none of these",
    }


THRESHOLDS_HEAD = (
    "rung", "likeness", "from", "copies", "other pictures", "copies found", "by chance"
)  # fmt: skip
THRESHOLDS_ABOUT = (
    "Thresholds were set on half of the pairs and counted on the other: “copies” is the share of pairs of "
    "a copy (saved anew, scaled, mirrored or cropped) and its original that reach it, “other pictures” "
    "that of pairs of two references of one character. “Copies found” and “by chance” are counted in the "
    "search through all references: of copies, and of references that were kept out of it and are copies "
    "of nothing. Of style, “copies” are references that were kept out, and “other pictures” parts of "
    "photographs."
)


def thresholds(found: Ladder) -> list[tuple[str, ...]]:
    """A line for each rung: from where on, and how often it is right."""
    about = {r.name: r.unit for r in rungs()}
    about[STYLE] = about["copy"]
    told = found.thresholds
    lines = [
        (
            label(name),
            about[name],
            f"{t.value:.3f}",
            f"{percent(t.tpr)} of {t.positives}",
            f"{percent(t.fpr)} of {t.negatives}",
            percent(t.found) if name != STYLE else DASH,
            percent(t.chance),
        )
        for name, t in told.rungs.items()
    ]
    last = [name for name in told.chance if name != STYLE][-1]
    some = f"{percent(told.found)} of {told.copies}", f"{percent(told.chance[last])} of {told.kept_out}"
    return [*lines, ("any copy", "any rung above style", DASH, DASH, DASH, *some)]


def kinds(found: Ladder) -> list[tuple[str, ...]]:
    """A line for each thing that was done to a copy: the share of pairs that each rung tells, and that of
    copies found by any."""
    told = found.thresholds
    rows = [(n, t.by_kind) for n, t in told.rungs.items() if n != STYLE]
    return [
        (kind, *(percent(by.get(kind)) for _, by in rows), percent(told.found_by_kind[kind]))
        for kind in told.found_by_kind
    ]


def kinds_head(found: Ladder) -> tuple[str, ...]:
    """Of that table."""
    return ("copy", *(label(n) for n in found.thresholds.rungs if n != STYLE), "found by any")


def source(found: Ladder) -> str:
    """What was compared with what, in a sentence."""
    judge = f"; characters seen by {found.judge}" if found.judge else "; no judge was asked who is shown"
    commit = f"; commit {found.commit[:7]}" if found.commit else ""
    return (
        f"{found.count:,} references ({found.references}); likeness by {found.thresholds.encoder}{judge}. "
        f"From {found.command}{commit}."
    )


def left_out(found: Ladder) -> list[str]:
    """What could not be compared, a sentence or two."""
    told = []
    for what, why in (
        ("references were left out", found.broken),
        ("pictures were not compared", found.unreadable),
    ):
        if why:
            more = f" and {len(why) - 3} more" if len(why) > 3 else ""
            told.append(f"{len(why)} {what}: {'; '.join(why[:3])}{more}.")
    return told
