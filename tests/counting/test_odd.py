"""Captions of pieces of names, odd characters and bytes that are no UTF-8 count as they do one by one."""

from __future__ import annotations

import random
import unicodedata

import pyarrow as pa
import pytest

from copycat.counting import sieve, tally, text, words
from copycat.counting.names import Names, concepts
from copycat.subjects.characters import Character, Registry, normalise
from tests.counting.test_tally import same

SPOKEN = [
    ["Zori", "Zori the Brave", "Lady Zori-Ann"],
    ["Straßenkater", "GROẞ", "ß"],
    ["Café Molé", "É", "ä"],
    ["Link", "Link of Vrell"],
    ["Who", "By the", " of  the "],
    ["O'Hara", "Wall·E", "R2‑K9", "Mr. T"],
    ["مرجان", "מרגן", "हिन्दी किरण", "ไทย"],
    ["孫悟空", "ゴクウ", "손오공", "가", "ｶﾞ"],
    ["İnci", "ınci", "ŉ", "ǰ", "ΐ"],
    ["Οδυσσεύς", "ᾳ", "ΑΙ", "а"],
    ["Waffle", "ﬃ", "Ⅷ", "½", "ﷺ", "㎏"],
    ["𠮷野", "𝐙𝐨", "🜛x"],
    ["Blip_Bop", "_", "٣", "3", "x"],
]
NAMESAKES = {"s0": ("Baby Zori", "Zori Zori"), "s3": ("Zelda Link",), "s4": ("who is",)}
CAST = [
    Character(
        slug=f"s{i}",
        name=name,
        aliases=tuple(also),
        namesakes=NAMESAKES.get(f"s{i}", ()),
        common_words=("link",) if name == "Link" else (),
        owner="o",
        generic="g",
    )
    for i, (name, *also) in enumerate(SPOKEN)
]
WRITTEN = [name for c in CAST for name in (*c.spoken, *c.namesakes)]
ODD = [
    *" .,-'’_\x00\n\x1c\x85\u00a0\u2028\u3000‑",  # between words
    *"\u0301\u0345\u093f\u094d\u0e34\U0001d15e\ufe0f\U000e0100",  # marks
    *"\u200b\u200d\u00ad\u2060\ufeff\ufffd\uffff\U0010ffff\u0378",  # nothing to see, or nothing at all
    *"ßẞİıſςΣﬃ½ﷺ한٣３²™Ⅷ㍿𝒁ŉΐᾈéx😀",
    *("\r\n", "\u0308\u0345", "\u1e9b\u0323", "\u0f71\u0f72", "\u1100\u1161\u11a8"),
]
BAD = [b"\xff", b"\xfe", b"\x80", b"\xc3", b"\xe2\x82", b"\xf0\x9f\x98", b"\xed\xa0\x80", b"\xc0\xaf"]


def piece(rng: random.Random) -> str:
    """A name, in one of many ways of writing it, or an odd character."""
    if rng.random() < 0.5:
        return rng.choice(ODD)
    name = rng.choice(WRITTEN)
    at = rng.randint(0, len(name))
    form = rng.choice(["NFC", "NFD", "NFKC", "NFKD"])
    return rng.choice(
        [
            name,
            name.upper(),
            name.title(),
            normalise(name),
            unicodedata.normalize(form, name),
            "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in name),
            name[:at],
            name[:at] + rng.choice(ODD) + name[at:],
        ]
    )


def captions(rng: random.Random, some: int, bad: int) -> list[bytes]:
    """`some` captions, `bad` of which are no UTF-8, and one that is very long."""
    made = [
        "".join(rng.choice(["", "", " "]) + piece(rng) for _ in range(rng.randint(1, 9))) for _ in range(some)
    ]
    made[rng.randrange(some)] *= 500
    raw = [caption.encode() for caption in made]
    for i in rng.sample(range(some), bad):
        at = rng.randint(0, len(raw[i]))
        raw[i] = raw[i][:at] + rng.choice(BAD) + raw[i][at:]
    return [caption for caption in raw if caption]


@pytest.mark.parametrize("at_once", [1, 7, 1_000])
@pytest.mark.parametrize("bad", [0, 5])
def test_odd_captions_count_as_they_do_one_by_one(
    monkeypatch: pytest.MonkeyPatch, at_once: int, bad: int
) -> None:
    for module in (sieve, tally):
        monkeypatch.setattr(module, "_AT_ONCE", at_once)
    monkeypatch.setattr(text, "_PIECE", 3_000)
    monkeypatch.setattr(words, "_AT_ONCE", 700)
    rng = random.Random(f"{at_once} {bad}")
    raw = captions(rng, 600, bad)
    people = Registry("odd", 1, rng.sample(CAST, 9))
    found = tally.Tally(Names(concepts([people], any_name=True)))
    for i in range(0, len(raw), 250):
        found.add(pa.array(raw[i : i + 250], pa.large_binary()))
    decoded = [caption.decode("utf-8", "replace") for caption in raw]
    assert found.named.sum() > 300
    assert found.undecodable == sum(a != b.encode() for a, b in zip(raw, decoded, strict=True))
    assert found.named.tolist() == [
        sum(c.slug in people.mentioned(caption) for caption in decoded) for c in people.characters
    ]
    same(found, decoded, people)
