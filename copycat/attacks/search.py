"""One search: attempts one after another, until one succeeds or the budget is spent."""

from __future__ import annotations

import time
from typing import Any

from copycat.attacks.attacked import Outcome
from copycat.attacks.base import Attack, Attempt, BudgetSpent, Found, Victim
from copycat.errors import MissingRequirement

PLAIN = Attempt()
"""The run's own prompt."""


class Tally:
    """What one search has used up so far; victims count with it."""

    def __init__(self, seconds: float = 0) -> None:
        """`seconds` of wall time are its budget, from now; 0 for none."""
        self.queries = self.unanswered = self.steps = 0
        self._began, self._budget = time.monotonic(), seconds

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.monotonic() - self._began

    @property
    def over(self) -> bool:
        """Whether the time is over."""
        return 0 < self._budget <= self.seconds

    def step(self, count: int) -> None:
        """`count` further steps are done. Raises BudgetSpent when the time is over."""
        self.steps += count
        if self.over:
            raise BudgetSpent


def search(attack: Attack[Any], victim: Victim, tally: Tally) -> Outcome:
    """Try the plain prompt and then what `attack` proposes to `victim`, who counts with `tally`.

    It ends with the first success; else the last attempt is what the run will draw. Raises
    MissingRequirement where no query was answered, since nothing is known then.
    """
    attempts, tried, success = attack.attempts(victim), PLAIN, False
    attempt: Attempt | None = PLAIN
    try:
        while attempt is not None:
            tried = attempt
            success = bool(victim.attempt(attempt))
            if success or tally.over or tally.queries >= attack.config.queries:
                break
            attempt = next(filter(victim.reads, attempts), None)
    except BudgetSpent:
        pass
    if tally.queries == tally.unanswered:
        raise MissingRequirement(
            f"The attack {attack.name} got no answer to any of its {tally.queries} queries about "
            f"{victim.character.name}, so it is not known whether it succeeds; run the same command again, "
            "or name another judge with its option judge=."
        )
    found = Found(
        prompt=tried.prompt,
        conditioning=tried.conditioning.sha if tried.conditioning else "",
        settings=dict(tried.settings),
        success=success,
        clean=tried is PLAIN,
        queries=tally.queries,
        unanswered=tally.unanswered,
        steps=tally.steps,
    )
    return Outcome(found, tried.conditioning, tally.seconds)
