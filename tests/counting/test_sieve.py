"""No caption that names somebody is passed over, and few others are looked at closely."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from copycat.counting import sieve, text
from copycat.counting.sieve import ALIKE, Sieve, telling_words
from copycat.counting.text import folded_character
from copycat.subjects.characters import normalise


def near(captions: list[str | bytes], *names: str) -> list[int]:
    raw = [c.encode() if isinstance(c, str) else c for c in captions]
    return Sieve(names).near(pa.array(raw, pa.large_binary())).tolist()


def longer(character: str) -> bool:
    """Whether a character takes more bytes when it is folded."""
    return len(folded_character(ord(character)).encode()) > len(character.encode())


def test_every_code_point_is_folded_as_the_rule_does_or_looked_at_closely() -> None:
    characters = [chr(c) for c in range(0x80, 0x110000) if not 0xD800 <= c < 0xE000]
    whole = bytearray(b"\xff".join(f"x{c}y".encode() for c in characters))
    table = Sieve(["zori"])._table
    folded, ends, close = table.fold(whole)
    assert ends[-1] == len(folded)
    parts = [bytes(folded[i:j]) for i, j in zip([0, *ends[:-1]], ends, strict=True)]
    assert {part[:1] for part in parts[1:]} == {b" "}
    assert close.tolist() == [i for i, c in enumerate(characters) if longer(c)]
    passed = set(close.tolist())
    wrong = [
        c
        for i, (c, part) in enumerate(zip(characters, parts, strict=True))
        if i not in passed and b" ".join(part.split()) != normalise(f"x{c}y").encode().translate(ALIKE)
    ]
    assert wrong == []
    assert 0 < len(passed) < 15_000


def test_only_captions_with_the_word_of_a_name_are_near() -> None:
    captions = [
        "Zori at the sea",
        "a sea",
        "the ZÓRI’s",
        "zorig",
        "lazori",
        "Zo\u0301ri",
        "ＺＯＲＩ",
        "*zori*",
        "zori",
    ]
    assert near(captions, "zori") == [0, 2, 5, 6, 7, 8]
    assert near(captions[::-1], "zori") == [0, 1, 2, 3, 6, 8]
    assert near(["wall", "e", "wall-e", "the wall"], "wall e") == [0, 2, 3]
    assert near(["zo ri", "x"], "zori") == []
    assert near([], "zori") == []


def test_captions_with_a_character_that_becomes_longer_are_near() -> None:
    assert near(["a", "½ b", "é", "한 x", "ﷺ½", "”"], "zori") == [1, 3, 4]


def test_a_name_in_characters_of_four_bytes_is_found_beside_others() -> None:
    captions = ["𝐙𝐎𝐑𝐈", "𠮷野", "é𠮷野é", "🜛 𠮷野 🜛", "x" * 50, "𠮷"]
    assert near(captions, "zori", "𠮷野") == [0, 1, 3]


@pytest.mark.parametrize(
    "bad", [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf4\x90\x80\x80", b"\xfe", b"\xa9"]
)
def test_bytes_that_are_no_utf8_make_all_of_them_near(bad: bytes) -> None:
    assert near([b"a", bad, b"b"], "zori") == [0, 1, 2]
    assert near([b"a", b"\xc3\xa9", b"b"], "zori") == []


def test_a_character_cut_apart_by_the_end_of_a_caption_is_no_utf8() -> None:
    assert near([b"caf\xc3", b"\xa9"], "zori") == [0, 1]


def test_captions_looked_at_in_turns_keep_their_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sieve, "_AT_ONCE", 2)
    assert near([b"a", b"zori", b"zori", b"\xff", b"b", b"c", "½".encode()], "zori") == [1, 2, 3, 6]


def test_long_captions_are_looked_at_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    captions = ["слово " * 500 + ("zori" if i % 3 else "") for i in range(60)]
    fold, sizes = sieve._Table.fold, []

    def told(table: sieve._Table, text: bytearray) -> object:
        sizes.append(len(text))
        return fold(table, text)

    monkeypatch.setattr(sieve._Table, "fold", told)
    monkeypatch.setattr(text, "_PIECE", 20_000)
    assert near(list(captions), "zori") == [i for i in range(60) if i % 3]
    assert sum(sizes) > 300_000
    assert max(sizes) <= 20_000


def test_the_word_looked_for_is_a_name_itself_or_the_longest() -> None:
    assert telling_words(["iron man", "captain man", "man"]) == ["man"]
    assert telling_words(["the joker", "mr t", "joker two"]) == ["joker", "mr"]
    assert telling_words(["she ra", "by the"], {"she", "the", "by"}) == ["ra", "the"]


TEXT = st.text(st.one_of(st.characters(codec="utf-8"), st.sampled_from("aAbé ½ﬁßＡ-\u0301\n")), max_size=12)


@given(st.lists(TEXT, max_size=8), TEXT)
def test_no_caption_with_a_name_is_passed_over(captions: list[str], name: str) -> None:
    spoken = normalise(name)
    if not spoken:
        return
    captions = [*captions, f"{name} x", f"a{name}", f"é {name}", *(f"{c} {name}" for c in captions)]
    named = [i for i, c in enumerate(captions) if f" {spoken} " in f" {normalise(c)} "]
    assert set(named) <= set(near(list(captions), spoken))
