"""What an audit finds: a status with its evidence for every item."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal

from pydantic import Field

from copycat.audit.pii import hidden
from copycat.records import Row

Status = Literal["pass", "fail", "not-applicable", "unknown"]
STATUSES: tuple[Status, ...] = ("fail", "unknown", "pass", "not-applicable")
"""In the order in which they are shown."""
MOST_EVIDENCE = 5
"""Pieces of evidence that are kept for an item; `of` says how many there were."""


class Evidence(Row):
    """Where something was found, or was found missing."""

    file: str
    """Relative to the data set; empty for the data set as a whole."""
    row: int | None = None
    """Of a table, counted from 1 without its header."""
    found: str = ""
    """What stands there, shortened; personal data is masked."""

    @property
    def where(self) -> str:
        """File and row in words."""
        place = self.file or "the data set"
        return place if self.row is None else f"{place}, row {self.row}"


class Outcome(Row):
    """What the check of one item says."""

    status: Status
    reason: str
    """A sentence."""
    evidence: tuple[Evidence, ...] = ()
    of: int = 0
    """How many pieces of evidence there were."""


class Finding(Outcome):
    """The outcome of an item."""

    item: str
    section: str
    title: str
    advice: str
    """What to do where it does not pass."""


class ErrorRate(Row):
    """How often the licence of an item is not the true one, in a labelled sample."""

    wrong: int = Field(ge=0)
    checked: int = Field(ge=0)
    low: float | None
    high: float | None
    """Wilson's 95 % interval, in [0, 1]; None where nothing was checked."""
    not_found: int = 0
    """Labelled items that the data set does not have, or whose rows were not read."""
    evidence: tuple[Evidence, ...] = ()

    @property
    def rate(self) -> float | None:
        """In [0, 1]; None where nothing was checked."""
        return self.wrong / self.checked if self.checked else None


class Report(Row):
    """The audit of one data set."""

    dataset: str
    revision: str = ""
    """A commit of the hub; empty for a folder."""
    date: str
    copycat: str
    files: int
    rows: int
    """Rows that were read."""
    rows_in_all: int
    unread: tuple[Evidence, ...] = ()
    """Files that could not be read, with the reason."""
    tier: str
    """What the licences of its parts make of it."""
    declared_tier: str = ""
    licence_errors: ErrorRate | None = None
    findings: tuple[Finding, ...]

    def count(self, status: Status) -> int:
        """How many items have `status`."""
        return sum(f.status == status for f in self.findings)

    def of(self, item: str) -> Finding:
        """The finding of one item."""
        return next(f for f in self.findings if f.item == item)


def passed(reason: str, *evidence: Evidence) -> Outcome:
    return _outcome("pass", reason, evidence)


def failed(reason: str, *evidence: Evidence) -> Outcome:
    return _outcome("fail", reason, evidence)


def not_applicable(reason: str, *evidence: Evidence) -> Outcome:
    return _outcome("not-applicable", reason, evidence)


def unknown(reason: str, *evidence: Evidence) -> Outcome:
    return _outcome("unknown", reason, evidence)


def _outcome(status: Status, reason: str, evidence: Sequence[Evidence]) -> Outcome:
    # What a data set says of itself may be as long as it likes.
    return Outcome(status=status, reason=shortened(reason, 600), evidence=kept(evidence), of=len(evidence))


def kept(evidence: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """The first pieces; personal data is masked where they quote a row. Addresses that documents name to turn
    to stay readable."""
    return tuple(
        e.model_copy(update={"found": shortened(e.found if e.row is None else hidden(e.found), 200)})
        for e in tuple(evidence)[:MOST_EVIDENCE]
    )


_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def printable(line: str) -> str:
    """`line` for a terminal, without what would move its cursor, colour it or turn the direction of text."""
    return _CONTROL.sub("�", line)


def shortened(value: object, most: int = 120) -> str:
    """`value` as one line of at most `most` characters."""
    # A lone surrogate, which JSON can hold, cannot be written.
    text = " ".join(str(value).encode(errors="replace").decode().split())
    return text if len(text) <= most else f"{text[: most - 1]}…"
