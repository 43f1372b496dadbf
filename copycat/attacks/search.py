"""One search: attempts one after another, until one succeeds or the budget is spent."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from copycat.attacks.attacked import Outcome
from copycat.attacks.base import Attack, Attempt, BudgetSpent, Found, Victim
from copycat.errors import MissingRequirement

PLAIN = Attempt()
"""The run's own prompt."""


class Undecided(MissingRequirement):
    """A search that did not succeed, and of which an attempt has no answer: that one might have succeeded."""


class Tally:
    """What one search has used up so far; victims count with it."""

    def __init__(self, seconds: float = 0) -> None:
        """`seconds` of wall time are its budget, from now; 0 for none."""
        self.queries = self.unanswered = self.unreadable = self.steps = 0
        self._began, self._budget = time.monotonic(), seconds

    @property
    def seconds(self) -> float:
        """Since it began, without what was :meth:`paused`."""
        return time.monotonic() - self._began

    @property
    def over(self) -> bool:
        """Whether the time is over."""
        return 0 < self._budget <= self.seconds

    @contextmanager
    def paused(self) -> Iterator[None]:
        """While it lasts the clock stands still: what is loaded then serves all searches."""
        stopped = time.monotonic()
        try:
            yield
        finally:
            self._began += time.monotonic() - stopped

    def step(self, count: int) -> None:
        """`count` further steps are done. Raises BudgetSpent when the time is over."""
        self.steps += count
        if self.over:
            raise BudgetSpent


def search(attack: Attack[Any], victim: Victim, tally: Tally) -> Outcome:
    """Try the plain prompt and then what `attack` proposes to `victim`, who counts with `tally`.

    It ends with the first success; else the last attempt is what the run will draw. An attempt without an
    answer is tried once more, within the same budget. Raises MissingRequirement where no query was answered,
    and Undecided where there was no success and an attempt has no answer, even so.
    """
    attempts, tried, undecided = attack.attempts(victim), PLAIN, 0
    attempt: Attempt | None = PLAIN

    def spent() -> bool:
        return tally.over or tally.queries >= attack.config.queries

    try:
        while attempt is not None:
            tried = attempt
            victim.answer = victim.attempt(attempt)
            if victim.answer is None and not spent():
                victim.answer = victim.attempt(attempt)
            undecided += victim.answer is None
            if victim.answer or spent():
                break
            attempt = _readable(attempts, victim, tally)
    except BudgetSpent:
        pass
    success = bool(victim.answer)
    if not success and undecided:
        raise _unanswered(attack, victim, tally)
    found = Found(
        prompt=tried.prompt,
        conditioning=tried.conditioning.sha if tried.conditioning else "",
        settings=dict(tried.settings),
        success=success,
        clean=tried is PLAIN,
        queries=tally.queries,
        unanswered=tally.unanswered,
        unreadable=tally.unreadable,
        steps=tally.steps,
    )
    return Outcome(found, tried.conditioning, tally.seconds)


def _readable(attempts: Iterator[Attempt], victim: Victim, tally: Tally) -> Attempt | None:
    """The next of `attempts` that the model can read, or None; those before it are counted."""
    for attempt in attempts:
        if victim.reads(attempt):
            return attempt
        tally.unreadable += 1
        victim.answer = None
    return None


def _unanswered(attack: Attack[Any], victim: Victim, tally: Tally) -> MissingRequirement:
    """What to say where it is not known whether the attack succeeds."""
    none = tally.queries == tally.unanswered
    how = f"to any of its {tally.queries}" if none else f"to {tally.unanswered} of its {tally.queries}"
    return (MissingRequirement if none else Undecided)(
        f"The attack {attack.name} got no answer {how} queries about {victim.character.name}, so it is not "
        "known whether it succeeds; run the same command again, name another judge with its option judge=, "
        "or leave the character out (--characters)."
    )
