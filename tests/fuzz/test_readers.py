"""A short run of `benchmarks/fuzz.py`: only a UserError may leave a reader."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.fuzz import TOKENS, fuzz, main, mutate, try_one
from benchmarks.fuzz_readers import READERS
from copycat.judges.replies import read_names, read_yes_no
from copycat.records import Named, Unscored, YesNo

QUICK = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("name", READERS)
def test_only_a_user_error_leaves_a_reader(name: str, tmp_path: Path) -> None:
    reader = READERS[name]
    begin = reader.seeds()

    @QUICK
    @given(st.integers(0, 2**32))
    def check(seed: int) -> None:
        try_one(reader, tmp_path, mutate(random.Random(seed), begin))

    check()


@pytest.mark.parametrize("name", READERS)
def test_every_reader_reads_what_its_inputs_are_made_of(name: str, tmp_path: Path) -> None:
    reader = READERS[name]
    told = [try_one(reader, tmp_path, seed) for seed in reader.seeds()]
    assert any(t.startswith("read:") for t in told), told


FOUND = [("judge-card", 1049), ("rows-verdicts", 21535), ("audit-opt-outs", 6510)]
"""Inputs that broke a reader once: its name and the seed of the input."""


@pytest.mark.parametrize(("name", "seed"), FOUND)
def test_what_broke_once(name: str, seed: int) -> None:
    assert not fuzz(name, 1, seed).crashes


_PARTS = st.one_of(st.text(max_size=20), st.sampled_from([t.decode("utf-8", "replace") for t in TOKENS]))


@QUICK
@given(st.lists(_PARTS, max_size=12))
def test_every_reply_is_an_answer_or_none(parts: list[str]) -> None:
    reply = "".join(parts)
    for cut_off in (False, True):
        assert isinstance(read_names(reply, cut_off=cut_off), Named | Unscored)
        assert isinstance(read_yes_no(reply, cut_off=cut_off), YesNo | Unscored)


def test_a_crash_is_told_with_the_seed_of_its_input(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(path: Path) -> None:
        raise KeyError("found")

    monkeypatch.setitem(READERS, "names", READERS["names"].__class__("x", breaks, lambda: [b"a"]))
    seen = fuzz("names", 3, 7)
    assert (seen.inputs, list(seen.crashes.values())) == (3, [7])


def test_the_program_counts_what_it_gave(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--inputs", "30", "--only", "seeds,prompts"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "30 inputs, 0 kinds of crashes"
