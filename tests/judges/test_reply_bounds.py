"""Replies are read in time that grows with their length, however they are made."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from copycat.judges.replies import read_names, read_yes_no
from copycat.judges.replies.structure import LONGEST, Unclear, objects, without_thoughts
from copycat.records import Named, Unscored, YesNo

BRACKETS: dict[str, Callable[[int], str]] = {
    "opened objects": lambda n: "{" * n,
    "opened lists": lambda n: "[1," * (n // 3),
    "opened strings": lambda n: '["a" ' * (n // 5),
    "bare keys, nested": lambda n: "{a:" * (n // 4) + "}" * (n // 4),
    "bare keys, broken inside": lambda n: "{a:" * (n // 4) + "[}" + "}" * (n // 4),
    "many lists": lambda n: "".join(f'["{i}"] ' for i in range(n // 8)),
}


def seconds(text: str) -> float:
    """The least of three, so that another process does not count."""
    found = []
    for _ in range(3):
        began = time.process_time()
        with suppress(Unclear):
            objects(text)
        found.append(time.process_time() - began)
    return min(found)


@pytest.mark.parametrize("name", BRACKETS)
def test_eight_times_the_brackets_take_no_more_than_some_eight_times_as_long(name: str) -> None:
    # Quadratic, they would take 64 times as long.
    short, long = (seconds(BRACKETS[name](n)) for n in (10_000, 80_000))
    assert long < 24 * short + 0.05


@pytest.mark.parametrize(
    "text",
    ["<think>" * 20_000, "a" + "," * 100_000 + "b", "a" + "\n," * 50_000 + "b", "[" * 100_000, "{" * 100_000,
     "![" * 50_000, "Name: " * 20_000, "\\boxed{" * 20_000, "no a-, " * 20_000],
)  # fmt: skip
def test_a_long_reply_of_signs_is_read_soon(text: str) -> None:
    began = time.process_time()
    read_names(text)
    read_yes_no(text)
    assert time.process_time() - began < 5


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 5000, '{"name": ' + "9" * 5000 + "}"])
def test_what_is_too_deep_or_too_long_is_no_answer(text: str) -> None:
    assert isinstance(read_names(text), Unscored)
    assert isinstance(read_yes_no(text), Unscored)


@pytest.mark.parametrize("text", ['["a" ' * 1001, "{a:" * 1000 + "[}" + "}" * 1000])
def test_brackets_that_are_read_over_and_over_are_given_up(text: str) -> None:
    with pytest.raises(Unclear, match="its brackets are no objects"):
        objects(text)


def test_some_broken_brackets_are_passed_over() -> None:
    assert objects('["a" ' * 1000) == []
    assert objects("{a:[}}" * 20 + '{"b": 1}') == [{"b": 1}]


def test_objects_are_still_read() -> None:
    assert objects('a [sic] {"a": 1,} and {b: [c, d]} ["x"] [1] {"}": "{"}') == [
        {"a": 1},
        {"b": ["c", "d"]},
        ["x"],
        {"}": "{"},
    ]


@pytest.mark.parametrize(
    ("reply", "left"),
    [
        ("<think>a</think>b", "b"),
        ("<think>a<think>b</think>c", "c"),
        ("<THINK>a</think>b<reasoning>c</reasoning>d", "bd"),
        ("<thinking>a</think>b</thinking>c", "c"),
        ("a</think>b", "b"),
        ("a<think>b", "a"),
        ("a<thought>b</think>c", "c"),
    ],
)
def test_thoughts_are_left_out(reply: str, left: str) -> None:
    assert without_thoughts(reply) == left


def test_a_reply_longer_than_is_read_counts_as_cut_off() -> None:
    rest = " It stands there." * (LONGEST // 10)
    assert read_yes_no(f"Yes.{rest}") == YesNo(p_yes=1.0)
    found = read_names('{"names": ["Zori", "Kamo"], "why": "' + "x" * LONGEST + '"}')
    assert isinstance(found, Unscored | Named)
    assert isinstance(found, Unscored) or found.partial
    assert read_names(f"<think>{'x ' * LONGEST}</think>Zori") == read_names("Zori")
