"""Captions normalised many at a time are what the registry's rule makes of each."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from copycat.counting.text import Joined, joined
from copycat.subjects.characters import normalise

HOSTILE = st.text(
    st.one_of(
        st.characters(codec="utf-8"),
        st.sampled_from("aZß ﬁİıſŒœÅﬃ½²™ªº\u0345\u0301\u200b\u200d\ufeff\u00a0\u2028\n\r\t_-'’.,\U0001f99c"),
    ),
    max_size=30,
)


def split(found: Joined) -> list[str]:
    """The captions of a joined text, without the space around each."""
    return [part.decode()[1:-1] for part in found.text.split(b"\xff")]


def one_by_one(captions: list[str]) -> list[tuple[str, str]]:
    return [
        (raw, text)
        for found in joined(pa.array([c.encode() for c in captions], pa.large_binary()))
        for raw, text in zip((c.as_py().decode() for c in found.captions), split(found), strict=True)
    ]


def test_every_code_point_between_letters_and_alone() -> None:
    codes = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
    captions = [f"x{chr(c)}y {chr(c)}" for c in codes]
    found = one_by_one(captions)
    assert len(found) == len(captions)
    wrong = [raw for raw, text in found if text != normalise(raw) and (text.strip() or normalise(raw))]
    assert wrong == []


@given(st.lists(HOSTILE.filter(bool), min_size=1, max_size=8))
def test_any_text(captions: list[str]) -> None:
    found = one_by_one(captions)
    assert sorted(raw for raw, _ in found) == sorted(captions)
    assert all(text.strip() == normalise(raw) for raw, text in found)


def test_captions_without_a_word_keep_their_place() -> None:
    (found,) = joined(pa.array([b"...", b"Zori", b"!", b"a  b"], pa.large_binary()))
    assert [t.strip() for t in split(found)] == ["", "zori", "", "a b"]
    assert list(found.ends()) == [i for i, b in enumerate(found.text) if b == 0xFF] + [len(found.text)]


def test_bytes_that_are_no_utf8_stand_between_words_and_are_told() -> None:
    bad = "Zóri".encode()[:2] + b" mid\xffdle \xed\xa0\x80end"
    (found,) = joined(pa.array([bad, "é".encode()], pa.large_binary()))
    assert split(found) == [normalise(bad.decode("utf-8", "replace")), "e"]
    assert found.undecodable == 1
