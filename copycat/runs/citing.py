"""What is told of a calibration to others: without paths of a machine and, where it is wished, without the
names of raters, which are personal data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from copycat.cards.calibration import LABELLED
from copycat.io.tables import ENDINGS
from copycat.records import Metric

FILE = "calibration.json"
"""What a calibration's file is called, whose own name may be a rater's."""
_HUB = re.compile(r"[\w.-]+/[\w.-]+(@[\w./-]+)?")
"""A data set of the hub."""
ONE_RATER = "one rater"
"""What stands for a rater who is named where no pseudonym tells who of several it is."""
_MAJORITY = "majority of "
_TRUTH = re.compile(r" --truth '([^']*)'")


def portable(rates: Mapping[str, Any], names: Mapping[str, str] | None) -> dict[str, Any]:
    """`rates`, as a calibration gives them, without paths; and unless `names` is None without names, for
    which those in `names` stand, or :data:`ONE_RATER`."""
    told: dict[str, Any] = dict(rates)
    # As `Calibration.rates` writes them: the labels, then whose majority is taken for true.
    labels, comma, truth = str(told.get("source") or "").rpartition(", ")
    labels = last_part(labels if comma else truth)
    if names is not None:
        labels = unnamed(labels, names)
        truth = truth if truth.startswith(_MAJORITY) else names.get(truth, ONE_RATER)
    if told.get("source"):
        told["source"] = f"{labels}, {truth}" if comma else labels
    if told.get("command"):
        told["command"] = calibrate_command(
            str(told["command"]), ("RUN",), labels, None if names is None else ()
        )
    return told


def anonymous(rates: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """`rates` of a judge without names of raters, where they were measured on raters' labels; others, such as
    those of a shipped card, name none and stay as they are."""
    if rates is None:
        return None
    command = str(rates.get("command") or "")
    if rates.get("pictures") != LABELLED and " --labels " not in command:
        return dict(rates)
    named, alone = _TRUTH.search(command), str(rates.get("source") or "").rpartition(", ")[2]
    known = [*(named[1].split(",") if named else ()), *([] if alone.startswith(_MAJORITY) else [alone])]
    told = portable(rates, dict.fromkeys(known, ONE_RATER))
    return {**told, "cited": FILE} if told.get("cited") else told


def reworded(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, str]:
    """What `after` has in place of the words of `before`, of all that notes of numbers quote."""
    quoted = ("command", "source", "cited")
    return {str(before[k]): str(after[k]) for k in quoted if before.get(k) and after.get(k)}


def noted(metric: Metric, changes: Mapping[str, str]) -> Metric:
    """`metric` with `changes` in the note of how it was corrected."""
    note = metric.corrected_note
    for before, after in changes.items():
        note = note.replace(before, after)
    return metric.model_copy(update={"corrected_note": note})


def unnamed(labels: str, names: Iterable[str]) -> str:
    """What a calibration calls its `labels`, without the name of a file or folder, in which a rater's may
    stand in any spelling. A data set of the hub, which is public, goes by its own, unless a part of one of
    the raters' `names` is in it."""
    ending = Path(labels).suffix.lower()
    if ending in ENDINGS or not _HUB.fullmatch(labels):
        return f"labels{ending if ending in ENDINGS else ''}"
    parts = {part for name in names for part in re.findall(r"\w+", name.casefold()) if len(part) > 1}
    return "labels" if any(part in labels.casefold() for part in parts) else labels


def calibrate_command(told: str, runs: Sequence[str], labels: str, truth: Sequence[str] | None) -> str:
    """The `copycat calibrate` that `told` is, of these `runs` and `labels`; `truth` are the raters that it
    names, None for all, and nobody for raters that go unnamed."""
    judge = re.search(r" --judge '([^']*)'", told)
    parts = ["copycat calibrate", *runs, "--labels", labels]
    parts += [f"--judge '{judge[1]}'"] if judge else []
    named = _TRUTH.search(told)
    if named and (truth or truth is None):
        parts.append(f"--truth '{','.join(truth) if truth else named[1]}'")
    return " ".join(parts)


def last_part(name: str) -> str:
    """The name of a file in place of its path."""
    return Path(name).name if Path(name).is_absolute() else name
