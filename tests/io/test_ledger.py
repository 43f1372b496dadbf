"""The ledger: what is spent and in flight together never passes the cap, whatever happens."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import threading
import time
from pathlib import Path

import pytest

from copycat.errors import BadFile, MissingRequirement, UserError
from copycat.io.ledger import Entry, Ledger, begun
from copycat.records import Usage


def test_a_call_is_counted_with_its_most_and_then_with_what_it_cost(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "spending.jsonl", cap=1.0)
    ticket = ledger.begin("drawer", "picture", 0.3)
    under_way = ledger.spent()
    assert (under_way.usd, under_way.open_usd, under_way.counted, under_way.pictures) == (0, 0.3, 0.3, 0)
    ticket.settle(0.1, Usage(tokens_in=7, tokens_out=11))
    ledger.end(ticket)
    done = ledger.spent()
    assert (done.usd, done.open_usd, done.calls, done.pictures) == (0.1, 0, 1, 1)
    assert (done.tokens_in, done.tokens_out) == (7, 11)


def test_the_cap_is_told_in_a_sentence_and_a_higher_one_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "spending.jsonl"
    ledger = Ledger(path, cap=0.1)
    for _ in range(2):
        ticket = ledger.begin("drawer", "picture", 0.05)
        ticket.settle(None)
        ledger.end(ticket)
    with pytest.raises(MissingRequirement, match=r"--max-cost 0.1: \$0.1000 are spent.*higher --max-cost"):
        ledger.begin("drawer", "picture", 0.05)
    # Another process, with a higher cap.
    Ledger(path, cap=0.15).begin("drawer", "picture", 0.05)
    assert ledger.spent().counted == 0.15


def test_a_call_without_a_known_price_is_refused_with_a_cap_and_counted_without(tmp_path: Path) -> None:
    with pytest.raises(MissingRequirement, match="not known, so --max-cost 25 cannot be kept"):
        Ledger(tmp_path / "a.jsonl", cap=25).begin("drawer", "picture", None)
    assert not (tmp_path / "a.jsonl").exists()
    free = Ledger(tmp_path / "b.jsonl")
    ticket = free.begin("drawer", "picture", None)
    ticket.settle(None)
    free.end(ticket)
    assert (free.spent().unknown, free.spent().usd, free.spent().pictures) == (1, 0, 1)


@pytest.mark.parametrize("cap", [0, -1, float("inf"), float("-inf"), float("nan")])
def test_a_cap_that_caps_nothing_is_refused(tmp_path: Path, cap: float) -> None:
    with pytest.raises(UserError, match=r"--max-cost is a number of dollars above 0, and .* is none"):
        Ledger(tmp_path / "spending.jsonl", cap)


def test_a_key_that_a_server_calls_its_model_by_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "canary-7f3a9c1d5b")
    ledger = Ledger(tmp_path / "spending.jsonl")
    ticket = ledger.begin("a", "answer", 0.2)
    ticket.settle(0.1, Usage(model="m of canary-7f3a9c1d5b", tokens_in=7))
    ledger.end(ticket)
    assert "canary" not in ledger.path.read_text()
    assert "m of [redacted]" in ledger.path.read_text()
    assert (ledger.spent().usd, ledger.spent().tokens_in) == (0.1, 7)


def test_what_an_error_answered_is_free_and_what_broke_off_is_counted(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "spending.jsonl", cap=1)
    refused, lost = ledger.begin("a", "answer", 0.2), ledger.begin("a", "answer", 0.2)
    refused.free()
    ledger.end(refused)
    ledger.end(lost)
    assert (ledger.spent().usd, ledger.spent().open_usd, ledger.spent().answers) == (0, 0.2, 0)


def test_room_that_a_cheap_call_leaves_is_waited_for(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "spending.jsonl", cap=0.1)
    dear = ledger.begin("a", "answer", 0.1)
    got: list[str] = []

    def next_one() -> None:
        ledger.begin("a", "answer", 0.1)
        got.append("began")

    waiting = threading.Thread(target=next_one)
    waiting.start()
    waiting.join(0.05)
    assert not got
    dear.free()
    ledger.end(dear)
    waiting.join(5)
    assert got == ["began"]


def test_a_batch_is_entered_as_far_as_the_cap_has_room(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l.jsonl", 0.1)
    entries = [begun("m", "answer", 0.04) for _ in range(4)]
    tickets = ledger.begin_all(entries)
    assert [t.entry for t in tickets] == entries[:2]
    assert ledger.spent().open_usd == 0.08
    # It waits for nothing: whoever has calls under way hears of their ends first.
    assert ledger.begin_all(entries[2:]) == []
    assert ledger.spent().calls == 2
    tickets[0].settle(0.01)
    tickets[1].free()
    ledger.end_all(tickets)
    assert (ledger.spent().usd, ledger.spent().open_usd) == (0.01, 0)
    last = ledger.begin_all(entries[2:])
    assert len(last) == 2
    ledger.end_all(last)
    # Nothing of this process is under way that could make room.
    with pytest.raises(MissingRequirement, match=r"could pass --max-cost 0\.1: \$0\.0900 are spent"):
        ledger.begin_all([begun("m", "answer", 0.04)])
    with pytest.raises(MissingRequirement, match="at most is not known"):
        ledger.begin_all([begun("m", "answer", None)])
    assert len(Ledger(tmp_path / "other.jsonl").begin_all([begun("m", "answer", None)])) == 1


def test_calls_that_another_process_left_under_way_are_taken_up(tmp_path: Path) -> None:
    path = tmp_path / "l.jsonl"
    first = Ledger(path)
    entries = [begun("m", "answer", 0.04) for _ in range(3)]
    tickets = first.begin_all(entries)
    tickets[0].settle(0.02)
    first.end(tickets[0])
    second = Ledger(path)
    # One has ended, and one was never entered.
    again = second.take_up([*entries, begun("m", "answer", 0.04)])
    assert [t.entry.call for t in again] == [e.call for e in entries[1:]]
    again[0].settle(0.01)
    second.end_all(again)
    spent = Ledger(path).spent()
    assert (spent.usd, spent.open_usd, spent.calls, spent.answers) == (0.03, 0.04, 3, 2)


def test_a_torn_line_is_cut_off_and_a_foreign_one_is_told(tmp_path: Path) -> None:
    path = tmp_path / "spending.jsonl"
    Ledger(path).end(Ledger(path).begin("a", "answer", 0.2))
    with path.open("ab") as f:
        f.write(b'{"call": "x", "at"')
    ledger = Ledger(path)
    assert ledger.spent().open_usd == 0.2
    ledger.end(ledger.begin("a", "answer", 0.1))
    assert ledger.spent().open_usd == pytest.approx(0.3)
    assert [Entry.model_validate_json(line).usd for line in path.read_bytes().splitlines()] == [0.2, 0.1]
    path.write_text('{"never": 1}\n')
    with pytest.raises(BadFile, match="no call"):
        Ledger(path).spent()


def _spend(path: Path, cap: float, seed: int, threads: int) -> None:
    """Calls of unknown end from several threads until the cap is reached."""
    ledger = Ledger(path, cap)

    def work(number: int) -> None:
        chance = random.Random(f"{seed} {number}")
        for _ in range(5):
            most = chance.uniform(0.001, 0.09)
            try:
                ticket = ledger.begin("drawer", "picture", most)
            except MissingRequirement:
                return
            end = chance.random()
            if end < 0.2:
                ticket.free()
            elif end < 0.9:
                ticket.settle(chance.uniform(0, most))
            ledger.end(ticket)

    running = [threading.Thread(target=work, args=(i,)) for i in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()


@pytest.mark.parametrize("decade", range(10))
def test_the_cap_is_never_passed_in_a_hundred_random_trials(tmp_path: Path, decade: int) -> None:
    # At every line of the journal, not at the end alone.
    for trial in range(10 * decade, 10 * decade + 10):
        chance = random.Random(trial)
        cap, path = round(chance.uniform(0.1, 0.4), 4), tmp_path / f"{trial}.jsonl"
        _spend(path, cap, trial, threads=chance.randint(1, 6))
        counted: dict[str, float] = {}
        for line in path.read_bytes().splitlines():
            entry = Entry.model_validate_json(line)
            counted[entry.call] = entry.usd or 0
            assert sum(counted.values()) <= cap + 1e-8
        assert counted


def _die_in_the_middle(path: Path) -> None:
    ledger = Ledger(path, 10)
    done = ledger.begin("a", "picture", 1.0)
    done.settle(0.25)
    ledger.end(done)
    for _ in range(3):
        ledger.begin("a", "picture", 1.0)
    os.kill(os.getpid(), signal.SIGKILL)


def test_processes_share_the_cap_and_a_kill_forgets_nothing(tmp_path: Path) -> None:
    fork = multiprocessing.get_context("fork")
    path = tmp_path / "spending.jsonl"
    process = fork.Process(target=_die_in_the_middle, args=(path,))
    process.start()
    process.join(30)
    assert process.exitcode == -signal.SIGKILL
    assert (Ledger(path).spent().usd, Ledger(path).spent().open_usd) == (0.25, 3.0)
    with pytest.raises(MissingRequirement):
        Ledger(path, 4).begin("a", "picture", 1.0)
    others = [fork.Process(target=_spend, args=(path, 3.75, n, 2)) for n in range(2)]
    began = time.monotonic()
    for other in others:
        other.start()
    for other in others:
        other.join(60)
    assert [other.exitcode for other in others] == [0, 0]
    assert time.monotonic() - began < 30
    assert 3.25 < Ledger(path).spent().counted <= 3.75
