"""Calls to a provider that is slow, limited and failing: what is waited for, repeated, cut and given up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from email.utils import formatdate
from typing import Any

import pytest
from PIL import Image

from copycat.cards.judges import JudgeCard
from copycat.errors import MissingRequirement, UserError
from copycat.io.hosted import Api, Calls, Failure, Meter, Told, classify, connect
from copycat.io.hosted.calls import threads_for
from copycat.io.hosted.pace import BREAK_AFTER
from copycat.judges.base import Judge, load_judge
from copycat.records import Question, Unscored, Verdict
from copycat.runtime.concurrent import Concurrent
from tests.helpers.provider import FastClock, Provider, providing
from tests.helpers.questions import question

PICTURE = Image.new("RGB", (8, 8))


def caller(provider: Provider, at_a_time: int = 4, **api: Any) -> tuple[Calls, Callable[[str], Any]]:
    """Calls to `provider` with its clock, and what asks one question."""
    # Half a minute of real time, so that a busy machine times nothing out.
    timeout = 30 * getattr(provider.clock, "speed", 1.0)
    made = Api(**{"base_url": provider.url, "key_env": None, "timeout": timeout, "retries": 2, **api})
    client = connect(made, "The model m")
    calls = Calls(made, "The model m", at_a_time, hang_up=client.close, clock=provider.clock)

    def ask(text: str) -> Any:
        message: Any = {"role": "user", "content": text}
        return calls.call(lambda: client.chat.completions.create(model="m", messages=[message]), text)

    return calls, ask


def in_threads(ask: Callable[[str], Any], texts: Sequence[str]) -> dict[str, Any]:
    """What comes of each of `texts`, all asked at once: a reply or an error."""
    found: dict[str, Any] = {}

    def one(text: str) -> None:
        try:
            found[text] = ask(text)
        except Exception as e:  # noqa: BLE001  looked at by the test
            found[text] = e

    threads = [threading.Thread(target=one, args=(t,)) for t in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(found) == len(texts), "nothing hangs"
    return found


def failures(found: dict[str, Any]) -> list[Exception]:
    return [e for e in found.values() if isinstance(e, Exception)]


class Error(Exception):
    """As clients raise them."""

    def __init__(self, status: int | None, code: str | None = None, headers: Any = None) -> None:
        super().__init__("said so")
        if status is not None:
            self.response = type("Response", (), {"status_code": status, "headers": headers or {}})
        self.code = code


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        *((Error(s), "transient") for s in (408, 409, 500, 502, 503, 529)),
        (Error(429), "rate_limit"),
        (Error(429, "insufficient_quota"), "fatal"),
        (Error(400, "billing_hard_limit_reached"), "fatal"),
        *((Error(s), "fatal") for s in (401, 402, 403, 404)),
        *((Error(s), "permanent") for s in (400, 413, 422, 451)),
        (Error(500, headers={"x-should-retry": "false"}), "permanent"),
        (TimeoutError(), "transient"),
        (ConnectionResetError(), "transient"),
        (ValueError("no picture"), "permanent"),
    ],
)
def test_errors_are_told_apart(error: Exception, kind: str) -> None:
    assert classify(error).kind == kind


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after": "in 90 s"}, 90.0),
        ({"retry-after": "90 s ago"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "-3"}, 0.0),
        ({}, None),
    ],
)
def test_a_wait_that_the_server_asks_for_is_read(headers: dict[str, str], seconds: float | None) -> None:
    dates = {"in 90 s": 90, "90 s ago": -90}
    headers = {
        k: formatdate(time.time() + dates[v], usegmt=True) if v in dates else v for k, v in headers.items()
    }
    told = classify(Error(429, headers=headers)).retry_after
    assert told == (seconds if seconds is None else pytest.approx(seconds, abs=2.0))
    if seconds == 0.0:
        assert told == 0.0


def test_what_the_provider_says_comes_with_the_answer() -> None:
    with providing(Provider(latency=0)) as provider:
        calls, ask = caller(provider)
        answered = ask("who?")
        calls.close()
    assert answered.told == Told("m-2026", "stop", input_tokens=11, output_tokens=3)
    assert answered.reply.choices[0].message.content == '{"answer": "yes"}'


@pytest.mark.parametrize("mood", ["stall", "drip"])
def test_an_attempt_is_cut_as_a_whole_and_holds_up_nobody(mood: str) -> None:
    with providing(Provider(latency=0.01, moods={"odd": mood})) as provider:
        calls, ask = caller(provider, at_a_time=2, timeout=0.5, retries=0)
        began = time.monotonic()
        found = in_threads(ask, ["odd", *map(str, range(20))])
        took = time.monotonic() - began
        calls.close()
    (error,) = failures(found)
    assert isinstance(error, TimeoutError)
    assert 0.4 < took < 4.0, "a drip lasts five seconds"
    assert provider.answered.total() == 20


def test_a_limit_without_retry_after_ends_in_patience() -> None:
    """Five a minute, on a clock that runs 400 times faster."""
    clock = FastClock(400)
    with providing(Provider(latency=1, a_minute=5, clock=clock)) as provider:
        calls, ask = caller(provider, at_a_time=8)
        began = clock.now()
        found = in_threads(ask, [f"question {i}" for i in range(20)])
        minutes = (clock.now() - began) / 60
        calls.close()
    assert failures(found) == [], "none is given up"
    assert set(provider.answered.values()) == {1}, "none is answered twice"
    assert 3 <= minutes < 12, "twenty take three minutes at the least"


def test_a_limit_that_lets_nothing_through_is_given_up_after_the_patience() -> None:
    clock = FastClock(2000)
    with providing(Provider(a_minute=0, clock=clock)) as provider:
        calls, ask = caller(provider, patience=600)
        found = in_threads(ask, ["a", "b", "c"])
        calls.close()
    assert {type(e) for e in failures(found)} == {MissingRequirement}
    assert len(failures(found)) == 3
    assert "no call through for 10 minutes" in str(found["a"])
    assert provider.asked.total() < 60, "it was asked ever more rarely"


def test_a_server_that_asks_for_hours_is_believed() -> None:
    with providing(Provider()) as provider:
        calls, _ = caller(provider, at_a_time=1, patience=600)

        async def busy() -> None:
            raise Error(429, headers={"retry-after": "36000"})

        with pytest.raises(MissingRequirement, match="left alone for 10 hours"):
            calls.call(busy)
        calls.close()


def test_a_dead_server_is_given_up_soon() -> None:
    with providing(Provider(down=True, clock=FastClock(50))) as provider:
        calls, ask = caller(provider, at_a_time=4, retries=5)
        found = in_threads(ask, [str(i) for i in range(50)])
        calls.close()
    assert {type(e) for e in failures(found)} == {MissingRequirement}
    assert "in a row" in str(found["49"])
    assert provider.asked.total() <= BREAK_AFTER + 4, "those in flight at most"


def test_a_server_that_comes_back_finds_everybody_waiting() -> None:
    clock = FastClock(100)
    with providing(Provider(latency=0.1, clock=clock)) as provider:
        calls, ask = caller(provider, at_a_time=4, retries=5)
        ask("before")
        provider.down = True
        back = threading.Timer(0.4, lambda: setattr(provider, "down", False))
        back.start()
        found = in_threads(ask, [str(i) for i in range(12)])
        calls.close()
    assert failures(found) == []
    assert provider.answered.total() == 13


def test_what_no_call_can_mend_is_asked_once() -> None:
    mood = "400 billing_hard_limit_reached Billing hard limit has been reached"
    with providing(Provider(moods={"?": mood})) as provider:
        calls, ask = caller(provider, at_a_time=1)
        found = in_threads(ask, [f"{i}?" for i in range(10)])
        calls.close()
    assert {str(e) for e in failures(found)} == {
        "The model m cannot be used (Billing hard limit has been reached); what is finished is kept, and the "
        "same command resumes."
    }
    assert provider.asked.total() == 1


def test_a_request_that_is_wrong_is_not_repeated() -> None:
    with providing(Provider(moods={"odd": "400 invalid_value no such size"})) as provider:
        calls, ask = caller(provider)
        found = in_threads(ask, ["odd", "even"])
        calls.close()
    assert [type(e).__name__ for e in failures(found)] == ["BadRequestError"]
    assert provider.asked == {"odd": 1, "even": 1}


def test_attempts_are_counted_once() -> None:
    with providing(Provider(moods={"odd": "500 server_error oops"}, clock=FastClock(50))) as provider:
        calls, ask = caller(provider, retries=3)
        found = in_threads(ask, ["odd"])
        calls.close()
    assert provider.asked["odd"] == 4, "the client repeats nothing by itself"
    assert any("given up after 4 attempts" in note for note in found["odd"].__notes__)


class Ledger(Meter):
    """A budget of so many attempts."""

    def __init__(self, allowed: int) -> None:
        self.left, self.settled = allowed, list[tuple[Told | None, Failure | None]]()
        self._lock = threading.Lock()

    def before(self, estimate: object) -> object:
        with self._lock:
            if self.left == 0:
                raise UserError("the money is spent")
            self.left -= 1
        return estimate

    def after(self, ticket: object, told: Told | None, failure: Failure | None) -> None:
        self.settled.append((told, failure))


def test_a_budget_is_asked_before_each_attempt_and_told_after_it() -> None:
    with providing(Provider(latency=0.01, moods={"odd": "500 x y"}, clock=FastClock(50))) as provider:
        calls, ask = caller(provider, at_a_time=3, retries=1)
        calls.meter = ledger = Ledger(5)
        in_threads(ask, ["odd", "even"])
        found = in_threads(ask, [f"more {i}" for i in range(6)])
        calls.close()
    assert provider.asked.total() == 5, "nothing is sent without its leave"
    assert len(failures(found)) == 4
    assert {str(e) for e in failures(found)} == {"the money is spent"}
    assert len(ledger.settled) == 5
    assert sum(failure is not None and failure.kind == "transient" for _, failure in ledger.settled) == 2


def test_what_was_answered_before_the_money_was_spent_is_handed_over_first() -> None:
    with providing(Provider(latency=0.01)) as provider:
        calls, ask = caller(provider, at_a_time=2)
        calls.meter = Ledger(3)
        texts = [str(i) for i in range(8)]
        found = calls.map(lambda t: ask(t).told.finish_reason, texts, lambda _, why: why)
        assert sorted(found)[:5] == ["stop"] * 3 + ["the money is spent"] * 2
        with pytest.raises(UserError, match="the money is spent"):
            calls.map(ask, texts, lambda _, why: why)
        calls.close()


def test_close_ends_what_is_in_flight() -> None:
    with providing(Provider(moods={"odd": "stall"})) as provider:
        calls, ask = caller(provider, timeout=60)
        found: list[BaseException] = []

        def one() -> None:
            try:
                ask("odd")
            except BaseException as e:  # noqa: BLE001  looked at below
                found.append(e)

        asking = threading.Thread(target=one)
        asking.start()
        while not provider.asked:
            time.sleep(0.01)
        calls.close()
        asking.join(5)
        assert not asking.is_alive()
    assert len(found) == 1


def seer(provider: Provider, at_a_time: int, **api: Any) -> Judge:
    made = Api(**{"base_url": provider.url, "key_env": None, "timeout": 1, **api})
    card = JudgeCard(name="seer", kind="openai-chat", source="m", batch_size=at_a_time, api=made)
    return load_judge(card, "cpu")


def judged(judge: Judge, asked: Sequence[Question], at_a_time: int) -> list[list[Verdict]]:
    """The verdicts on `asked`, in the groups in which they come."""
    came: list[list[Verdict]] = []

    class Opened:
        def __enter__(self) -> Callable[[Question], Verdict]:
            return lambda q: judge.ask([q], [PICTURE])[0]

        def __exit__(self, *_: object) -> None:
            judge.close()

    engine = Concurrent("cpu", threads_for(at_a_time), 1.0)
    engine.map(asked, lambda _: Opened(), lambda results: came.append([v for _, v in results]))
    return came


def test_one_stalled_answer_holds_up_no_other() -> None:
    with providing(Provider(latency=0.01, moods={"odd": "stall"})) as provider:
        asked = [question("key", text) for text in ("odd", *map(str, range(30)))]
        came = [v for group in judged(seer(provider, 2, retries=0, timeout=3), asked, 2) for v in group]
    assert came[-1].question == "odd", "all others came before"
    assert isinstance(came[-1].answer, Unscored)
    assert sum(v.scored for v in came) == 30


def test_nothing_is_lost_or_doubled_among_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    """The short form of benchmarks/hosted.py, which measures how full the slots are kept too."""
    monkeypatch.setattr("copycat.io.hosted.pace._FIRST", 0.02)
    at_a_time = 8
    with providing(Provider(latency=0.01, slow=4, errors=0.1, at_once=at_a_time)) as provider:
        asked = [question("key", f"question {i}") for i in range(200)]
        judge = seer(provider, at_a_time, retries=8, timeout=2)
        came = [v for group in judged(judge, asked, at_a_time) for v in group]
    assert sorted(v.question for v in came) == sorted(q.text for q in asked)
    assert all(v.scored for v in came)
    assert provider.asked.total() > 200, "some failed at first"
    assert provider.most_busy == at_a_time
