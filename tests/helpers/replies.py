"""Labelled replies of judges, and how they are read; see tests/data/replies/README.md."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from copycat.judges.replies import read_names, read_yes_no
from copycat.records import Unscored
from copycat.subjects.characters import Registry, load_registry
from copycat.subjects.recognition import recognise

FOLDER = Path(__file__).parents[1] / "data" / "replies"
FALSE, MISSED = 0.02, 0.03
"""Bars: shares of what is not detected that may be read as detected, and of what is detected that may not."""
_ROLES = {"shown": "detected", "absent": "not_detected", "doubtful": "doubtful", None: "unscored"}


@dataclass(frozen=True)
class Case:
    """One reply, what it says of one character, and how it is read."""

    id: str
    kind: str
    expected: str
    got: str
    reply: str


def halves() -> list[Path]:
    """The files of labelled replies that are here."""
    return sorted(FOLDER.glob("*.jsonl"))


def read_half(path: Path) -> list[Case]:
    """Every case of the file, read."""
    rows = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return [Case(r["id"], r["class"], r["expected"], read_case(r), r["reply"]) for r in rows]


def read_case(row: dict[str, Any]) -> str:
    """What the reader makes of a reply: detected, not_detected, doubtful or unscored."""
    cut_off = row["finish"] != "stop"
    if row["question"] == "verify":
        answer = read_yes_no(row["reply"], cut_off=cut_off)
        if isinstance(answer, Unscored):
            return "unscored"
        return "detected" if answer.p_yes > 0.5 else "not_detected"
    named = read_names(row["reply"], cut_off=cut_off, scored=row["question"] == "paper")
    return _ROLES[recognise(named, _registry(row["registry"])[row["character"]])]


@cache
def _registry(name: str) -> Registry:
    return load_registry(name)


@dataclass(frozen=True)
class Errors:
    """How often replies are read wrongly, each beside how many there are."""

    false: int
    not_detected: int
    missed: int
    detected: int
    scored: int
    unscored: int
    doubtful_otherwise: int
    doubtful: int


def errors(cases: Sequence[Case]) -> Errors:
    """Errors of each kind; a detection that is left doubtful or unscored is missed."""
    pairs = Counter((c.expected, c.got == c.expected, c.got == "detected") for c in cases)

    def expected(what: str) -> int:
        return sum(n for (e, _, _), n in pairs.items() if e == what)

    def wrong(what: str) -> int:
        return sum(n for (e, right, _), n in pairs.items() if e == what and not right)

    return Errors(
        false=pairs["not_detected", False, True],
        not_detected=expected("not_detected"),
        missed=wrong("detected"),
        detected=expected("detected"),
        scored=wrong("unscored"),
        unscored=expected("unscored"),
        doubtful_otherwise=wrong("doubtful"),
        doubtful=expected("doubtful"),
    )
