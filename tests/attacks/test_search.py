"""One search: its order, its end, its budget; with a victim that answers as it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from copycat.attacks import Attack, AttackOptions, Attempt, Found, Victim
from copycat.attacks.search import Tally, Undecided, search
from copycat.errors import MissingRequirement
from tests.contracts.test_mitigations import CHARACTER, REQUEST


class Scripted(Victim):
    """Says yes to the prompts in `yes`, and nothing about those in `mute`."""

    def __init__(
        self, tally: Tally, yes: tuple[str | None, ...] = (), mute: tuple[str | None, ...] = ()
    ) -> None:
        self.request, self.character = REQUEST, CHARACTER
        self.tally, self.yes, self.mute, self.tried = tally, yes, mute, []

    tried: list[str | None]

    def attempt(self, attempt: Attempt) -> bool | None:
        self.tried.append(attempt.prompt)
        self.tally.queries += 1
        self.tally.unanswered += attempt.prompt in self.mute
        return None if attempt.prompt in self.mute else attempt.prompt in self.yes

    def step(self, count: int = 1) -> None:
        self.tally.step(count)

    @property
    def pipeline(self) -> Any:
        raise AssertionError

    @property
    def original(self) -> Any:
        raise AssertionError


class Letters(Attack[AttackOptions]):
    """Tries a, b, c, … with two steps before each."""

    name = "letters"

    def attempts(self, victim: Victim) -> Iterator[Attempt]:
        for letter in "abcdefgh":
            victim.step(2)
            yield Attempt(prompt=letter, settings={"letter": letter})


def _search(**given: Any) -> Callable[..., Any]:
    def made(**victim: Any) -> Any:
        tally = Tally(given.get("seconds", 0))
        scripted = Scripted(tally, **victim)
        return search(Letters(AttackOptions(**given)), scripted, tally), scripted

    return made


def test_the_plain_prompt_comes_first_and_its_success_ends_the_search() -> None:
    outcome, victim = _search()(yes=(None, "a"))
    assert victim.tried == [None]
    assert (outcome.found.success, outcome.found.clean, outcome.found.queries, outcome.found.steps) == (
        True, True, 1, 0,
    )  # fmt: skip
    assert outcome.found.prompt is None


def test_it_ends_with_the_first_success() -> None:
    outcome, victim = _search()(yes=("c", "d"))
    assert victim.tried == [None, "a", "b", "c"]
    found = outcome.found
    assert (found.success, found.clean, found.prompt, found.settings) == (True, False, "c", {"letter": "c"})
    assert (found.queries, found.steps) == (4, 6)


def test_the_budget_of_queries_is_kept_and_the_last_attempt_stands() -> None:
    outcome, victim = _search(queries=3)()
    assert victim.tried == [None, "a", "b"]
    assert (outcome.found.success, outcome.found.prompt, outcome.found.steps) == (False, "b", 4)
    outcome, victim = _search(queries=1)()
    assert victim.tried == [None], "no step is made for an attempt that nobody would draw"
    assert (outcome.found.clean, outcome.found.steps) == (True, 0)


def test_it_ends_when_nothing_is_left_to_try() -> None:
    outcome, victim = _search(queries=100)()
    assert (len(victim.tried), outcome.found.prompt, outcome.found.queries) == (9, "h", 9)


def test_the_budget_of_time_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(1000))
    monkeypatch.setattr("copycat.attacks.search.time.monotonic", lambda: float(next(clock)))
    outcome, victim = _search(seconds=3)()
    assert len(victim.tried) < 4
    assert not outcome.found.success


def test_a_query_without_an_answer_is_counted_and_no_failure_of_the_attack() -> None:
    outcome, victim = _search()(yes=("b",), mute=(None, "a"))
    assert victim.tried == [None, None, "a", "a", "b"], "and is tried once more"
    assert (outcome.found.success, outcome.found.unanswered, outcome.found.queries) == (True, 4, 5)


def test_an_answer_to_the_second_try_counts() -> None:
    class Late(Scripted):
        def attempt(self, attempt: Attempt) -> bool | None:
            self.mute = () if self.tried else (None,)
            return super().attempt(attempt)

    tally = Tally()
    outcome = search(Letters(AttackOptions()), Late(tally), tally)
    assert (outcome.found.success, outcome.found.unanswered) == (False, 1)


@pytest.mark.parametrize("mute", [(None,), ("c",), ("b", "c"), ("h",)])
def test_a_failure_with_an_attempt_that_has_no_answer_is_undecided(mute: tuple[str | None, ...]) -> None:
    with pytest.raises(Undecided, match=rf"no answer to {2 * len(mute)} of its .* judge="):
        _search(queries=100)(mute=mute)
    with pytest.raises(Undecided):
        _search(queries=4)(mute=("c",))


def test_loading_is_not_in_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("copycat.attacks.search.time.monotonic", lambda: clock[0])
    tally = Tally(seconds=5)
    clock[0] = 2
    with tally.paused():
        clock[0] = 100
    clock[0] += 1
    assert (tally.seconds, tally.over) == (3, False)
    clock[0] += 2
    assert tally.over


def test_what_the_model_cannot_read_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Scripted, "reads", lambda _, attempt: attempt.prompt not in ("a", "c", "h"))
    outcome, victim = _search(queries=100)()
    assert victim.tried == [None, "b", "d", "e", "f", "g"]
    assert (outcome.found.queries, outcome.found.prompt) == (6, "g")
    assert outcome.found.unreadable == 3
    assert Found.model_validate(outcome.found.model_dump(mode="json")) == outcome.found
    assert "unreadable" not in Found(success=False, queries=1).model_dump(), (
        "as it was written before it was counted"
    )


def test_where_nothing_is_answered_nothing_is_found() -> None:
    with pytest.raises(MissingRequirement, match="no answer to any of its 2 queries"):
        _search(queries=2)(mute=(None, "a"))
