"""Failing: when a stage that gets nothing but failures ends, and what it says; part of generate and judge."""

from __future__ import annotations

import re

from copycat.errors import MissingRequirement

IN_A_ROW = 10
"""Failures of one kind, one after another, that end a stage. With one item in twenty failing by chance that
happens once in 10 000 000 000 000 items, and ten calls in vain cost little."""
_VARIABLE = re.compile(r"\b(?=\w*\d)\w+\b")
"""What differs between errors of one kind: numbers, and identities of requests."""


class Failing:
    """Counts what failed, and why."""

    def __init__(self, who: str, what: str, *, answered: bool) -> None:
        """`who` makes `what` ("pictures"); `answered` tells whether any was made before."""
        self._who, self._what, self._answered = who, what, answered
        self._rows: dict[str, tuple[str, int]] = {}
        """Failures in a row and their kind: of all items, and of those of one sort."""
        self._all, self._last = 0, ""

    def add(self, reason: str | None, sort: str = "") -> None:
        """One more item: why it failed, or None where it was answered, if only with a refusal.

        Rows are counted of all items, and of each `sort` apart, since sorts that take turns would hide that
        one of them always fails.
        """
        if reason is None:
            self._answered = True
            self._rows[""] = self._rows[sort] = ("", 0)
            return
        kind = _VARIABLE.sub("#", reason)
        for counted in {"", sort}:
            before, row = self._rows.get(counted, ("", 0))
            self._rows[counted] = kind, row + 1 if kind == before else 1
        self._last = reason
        self._all += 1

    def check(self) -> None:
        """Raise MissingRequirement after ten failures of one kind in a row."""
        longest = max((row for _, row in self._rows.values()), default=0)
        if longest >= IN_A_ROW:
            self._stop(f"{longest} {self._what} in a row failed in the same way")

    def check_all(self) -> None:
        """Raise MissingRequirement where everything failed, this time and before."""
        if self._all and not self._answered:
            self._stop(f"all {self._all} {self._what} failed")

    def _stop(self, how: str) -> None:
        raise MissingRequirement(
            f"{self._who}: {how} ({self._last.rstrip('.')}). What is finished is kept; mend the cause, and "
            "the same command tries the failed ones again."
        )
