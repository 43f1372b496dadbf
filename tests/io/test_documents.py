"""JSON and YAML from elsewhere: what is read, and what is refused before it does harm."""

from __future__ import annotations

from pathlib import Path

import pytest

from copycat.cards.models import CATALOG
from copycat.errors import BadFile
from copycat.io.documents import DEEPEST, Unreadable, parse_json, parse_yaml
from copycat.io.jsonl import read_lines
from copycat.subjects.characters import load_registry
from copycat.subjects.prompts import Prompt, read_prompts

BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{n}: &{n} [{', '.join([f'*{before}'] * 10)}]\n" for before, n in zip("abcdefg", "bcdefgh", strict=True)
)
"""Ten million values in a kilobyte."""


@pytest.mark.parametrize(
    "deep", ["[" * 100_000, "[" * 100_000 + "]" * 100_000, "- " * 100_000, "{a: " * 5000]
)
def test_deep_yaml_is_refused_and_ends_no_process(deep: str) -> None:
    with pytest.raises(Unreadable, match="levels deep"):
        parse_yaml(deep)


def test_aliases_are_read_and_bombs_are_not() -> None:
    assert parse_yaml("a: &a [1, 2]\nb: *a\nc: {<<: {d: 3}}") == {"a": [1, 2], "b": [1, 2], "c": {"d": 3}}
    with pytest.raises(Unreadable, match="aliases repeat more than 100,000"):
        parse_yaml(BOMB)
    with pytest.raises(Unreadable, match="line 1 refers to what is not written before it"):
        parse_yaml("&a [*a]")


@pytest.mark.parametrize(
    "text", ["a: !!float x", "2001-99-99", "9" * 5000, "a: \ud800", "\0", "{[a]: b}", "!!int ''"]
)
def test_values_that_are_none_are_value_errors(text: str) -> None:
    with pytest.raises(ValueError):
        parse_yaml(text)


@pytest.mark.parametrize("text", ["a: 1" + ":59" * 1000, "0x" + "f" * 5000, "- 1\n- 0b" + "1" * 4097])
def test_an_integer_that_python_will_not_write_out_is_refused(text: str) -> None:
    with pytest.raises(Unreadable, match=r"the integer in line \d has more than 4096 bits"):
        parse_yaml(text)
    assert parse_yaml("0x" + "f" * 1024) == 2**4096 - 1


def test_depth_within_the_bound_is_read() -> None:
    assert parse_yaml("[" * DEEPEST + "]" * DEEPEST)


def test_deep_json_is_a_value_error() -> None:
    with pytest.raises(Unreadable, match="nested too deeply"):
        parse_json("[" * 100_000)


@pytest.mark.parametrize("content", [BOMB, "[" * 100_000, "name: \0", "name: &a [*a]"])
def test_cards_and_registries_are_refused_in_a_sentence(tmp_path: Path, content: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(content, encoding="utf-8")
    for read in (CATALOG.read, lambda p: load_registry(str(p))):
        with pytest.raises(BadFile, match=r"x\.yaml"):
            read(path)


@pytest.mark.parametrize("number", [".inf", "-.inf", ".nan"])
@pytest.mark.parametrize("place", ["min_gpu_gb", "guidance_off"])
def test_a_number_of_a_card_is_finite(tmp_path: Path, number: str, place: str) -> None:
    path = tmp_path / "m.yaml"
    card = "name: m\ntitle: M\nsource: x\nsampling: {steps: 1, guidance: 1, height: 8, width: 8}\n"
    path.write_text(f"{card}{place}: {number}\n")
    with pytest.raises(BadFile, match=f"{place}.*finite"):
        CATALOG.read(path)


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85", "\x0b", "\x1c"])
def test_only_a_line_feed_ends_a_line(tmp_path: Path, separator: str) -> None:
    path = tmp_path / "p.jsonl"
    prompt = Prompt(set="s", character="c", text=f"one{separator}two")
    path.write_bytes(f"{prompt.model_dump_json()}\r\n\n".encode())
    assert read_prompts(path) == (prompt,)


def test_a_line_of_jsonl_that_is_nested_too_deeply_is_named(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text('{"set": ' + "[" * 100_000)
    with pytest.raises(BadFile, match="line 1"):
        read_lines(path, Prompt, "a prompt")
