"""Calls with a ledger: what a provider bills is never more than the cap, however it behaves."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from copycat.cards.metering import LedgerMeter
from copycat.cards.prices import Call, Price, Rates, Tariff
from copycat.errors import MissingRequirement
from copycat.io.hosted import Api, Calls, Failure, Meter, Told
from copycat.io.hosted.failures import classify
from copycat.io.hosted.pace import Clock
from copycat.io.ledger import Ledger

PRICE = Price(
    models=("m",), date="2026-01-01", source="this test", per_million=Rates(input=1000, output=4000)
)
TARIFF = Tariff("talker", price=PRICE)


class Status(Exception):
    """An answer that is an error."""

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.response = SimpleNamespace(status_code=status, headers={}, json=dict)


class ConnectError(ConnectionError):
    """No connection came about; clients of HTTP call it so."""


class ReadError(ConnectionError):
    """It was lost."""


class Fast(Clock):
    """A second takes half a millisecond."""

    def now(self) -> float:
        return time.monotonic() * 2000

    def real(self, seconds: float) -> float:
        return seconds / 2000


class Biller:
    """A provider that answers, fails and falls silent by chance, and bills whatever it worked on."""

    def __init__(self, chance: random.Random) -> None:
        self.chance, self.billed, self.lock = chance, 0.0, threading.Lock()

    async def answer(self, call: Call) -> Any:
        with self.lock:
            fate, tokens = self.chance.random(), self.chance.randint(1, call.most_out or 1)
            sent = self.chance.randint(1, call.text + 100)
        await asyncio.sleep(0)
        if fate < 0.1:
            raise Status(429)
        if fate < 0.2:
            raise ConnectError("nobody there")
        with self.lock:
            self.billed += (sent * 1000 + tokens * 4000) / 1e6
        if fate < 0.25:
            raise TimeoutError
        if fate < 0.3:
            raise Status(504)
        if fate < 0.33:
            await asyncio.sleep(60)
        said = SimpleNamespace(prompt_tokens=sent, completion_tokens=tokens)
        return SimpleNamespace(usage=said, choices=[SimpleNamespace(finish_reason="stop")], model="m-1")


@pytest.mark.parametrize("decade", range(10))
def test_what_is_billed_never_passes_the_cap_in_a_hundred_trials(tmp_path: Path, decade: int) -> None:
    stopped = 0
    for trial in range(10 * decade, 10 * decade + 10):
        chance = random.Random(trial)
        cap, biller = chance.uniform(1, 12), Biller(random.Random(trial + 1000))
        ledger = Ledger(tmp_path / f"{trial}.jsonl", cap)
        calls = Calls(Api(key_env=None, timeout=20, retries=2), "The judge", 4, clock=Fast())
        calls.meter = LedgerMeter(TARIFF, "answer", ledger)
        ends: list[str] = []

        def work(number: int, calls: Calls = calls, biller: Biller = biller, ends: list[str] = ends) -> None:
            for i in range(4):
                call = Call(text=10 * number + i, most_out=50 + 40 * number)
                try:
                    calls.call(lambda call=call: biller.answer(call), call)
                except MissingRequirement as e:
                    ends += [str(e)]
                    return
                except (Status, OSError):
                    continue

        threads = [threading.Thread(target=work, args=(i,)) for i in range(chance.randint(1, 6))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        calls.close()
        spent = ledger.spent()
        assert biller.billed <= spent.counted + 1e-9
        assert spent.counted <= cap + 1e-8
        stopped += any("--max-cost" in end for end in ends)
    assert stopped, "no trial of these came near its cap"


@pytest.mark.parametrize(
    "odd",
    [
        {"choices": 5},
        {"choices": {"a": 1}},
        {"choices": []},
        {"usage": SimpleNamespace(prompt_tokens=10**400, completion_tokens=1)},
        {"usage": SimpleNamespace(prompt_tokens=1, completion_tokens=10**400)},
        {"usage": 5},
        {"model": "\ud800"},
    ],
)
def test_an_answer_that_makes_no_sense_is_ended_and_holds_up_nobody(
    tmp_path: Path, odd: dict[str, Any]
) -> None:
    said = SimpleNamespace(prompt_tokens=1, completion_tokens=1)
    reply = SimpleNamespace(**{"usage": said, "choices": [], "model": "m-1", **odd})
    ledger = Ledger(tmp_path / "spending.jsonl", cap=1)
    calls = Calls(Api(key_env=None, timeout=20, retries=0), "The judge", 1)
    calls.meter = LedgerMeter(TARIFF, "answer", ledger)
    told: list[str] = []

    async def answer() -> Any:
        return reply

    def work() -> None:
        calls.call(answer, Call(text=10, most_out=100))
        try:
            # Would wait for ever for the other's end.
            calls.call(answer, Call(text=10, most_out=240))
        except MissingRequirement as e:
            told.append(str(e))
        told.append("over")

    working = threading.Thread(target=work, daemon=True)
    working.start()
    working.join(20)
    calls.close()
    assert told[-1:] == ["over"]
    spent = ledger.spent()
    assert (spent.open_usd, spent.answers) == (0, spent.calls)
    assert spent == Ledger(ledger.path).spent(), "the file can be read again"


def test_a_call_ends_whatever_its_meter_makes_of_the_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> float:
        raise OverflowError("too dear")

    monkeypatch.setattr(Tariff, "cost", broken)
    ledger = Ledger(tmp_path / "spending.jsonl", cap=1.1)
    meter = LedgerMeter(TARIFF, "answer", ledger)
    for _ in range(2):
        ticket = meter.before(Call(text=10, most_out=100))
        with pytest.raises(OverflowError):
            meter.after(ticket, Told(), None)
    refused: list[str] = []

    def work() -> None:
        try:
            meter.before(Call(text=10, most_out=100))
        except MissingRequirement as e:
            refused.append(str(e))

    # None is under way any more: what does not fit is refused, and not waited for.
    working = threading.Thread(target=work, daemon=True)
    working.start()
    working.join(10)
    assert len(refused) == 1
    assert ledger.spent().open_usd == ledger.spent().counted > 0


def test_an_attempt_is_told_to_the_meter_whatever_becomes_of_its_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    after: list[object] = []

    class Counting(Meter):
        def after(self, ticket: object, told: Told | None, failure: Failure | None) -> None:
            after.append((told, failure))

    def broken(*_: object) -> Told:
        raise TypeError("no answer at all")

    async def answer() -> None: ...

    monkeypatch.setattr(Told, "read", broken)
    calls = Calls(Api(key_env=None, timeout=20, retries=0), "The judge", 1)
    calls.meter = Counting()
    with pytest.raises(TypeError):
        calls.call(answer)
    calls.close()
    assert after == [(None, None)]


@pytest.mark.parametrize(
    ("error", "billed"),
    [
        (TimeoutError("no whole answer within 3 s"), True),
        (Status(504), True),
        (Status(500), False),
        (Status(429), False),
        (Status(400), False),
        (ConnectError("x"), False),
        (ReadError("x"), True),
        (ValueError("the reply is no picture"), True),
    ],
)
def test_which_failures_may_have_been_billed(error: Exception, billed: bool) -> None:
    assert classify(error).perhaps_billed is billed
