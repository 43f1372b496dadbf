"""Whom captions name: hard cases written down by hand, and whatever there is against the slow way."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from copycat.counting import words as beside
from copycat.counting.names import Concept, Names, concepts
from copycat.counting.tally import Tally
from copycat.errors import MissingRequirement, UserError
from copycat.subjects.characters import Character, Registry, load_registry
from tests.helpers.counted import slowly

FOLDER = Path(__file__).parents[1] / "data" / "counting"
PEOPLE = load_registry(str(FOLDER / "people.yaml"))
HARD = yaml.safe_load((FOLDER / "hard.yaml").read_text(encoding="utf-8"))
NAMES = Names(concepts([PEOPLE]))


def tally(captions: Sequence[str], names: Names = NAMES, batch: int = 1_000) -> Tally:
    found = Tally(names)
    for i in range(0, len(captions), batch):
        some = [c.encode() for c in captions[i : i + batch] if c]
        found.add(pa.array(some, pa.large_binary()))
    return found


def told(found: Tally) -> dict[str, object]:
    """A tally in the words of the slow one."""
    people = [c.slug for c in found.names.concepts]
    return {
        "captions": found.captions,
        "named": {s: n for s, n in zip(people, found.named.tolist(), strict=True) if n},
        "doubtful": {s: n for s, n in zip(people, found.doubtful.tolist(), strict=True) if n},
        "by_name": {s: n for s, n in zip(found.names.spellings, found.by_name.tolist(), strict=True) if n},
        "words": by_concept(found),
    }


def by_concept(found: Tally) -> dict[str, Counter[str]]:
    """The words of a tally, which it forgets."""
    told: dict[str, Counter[str]] = {}
    for table in found.words.take():
        rows = table.to_pylist()
        pairs = [(row["concept"], row["word"]) for row in rows]
        assert len(set(pairs)) == len(pairs)
        assert [concept for concept, _ in pairs] == sorted(concept for concept, _ in pairs)
        for row in rows:
            whose = found.names.concepts[row["concept"]].slug
            told.setdefault(whose, Counter())[row["word"]] += row["captions"]
    return told


def same(found: Tally, captions: Sequence[str], registry: Registry) -> None:
    expected = slowly(captions, registry)
    assert told(found) == {
        "captions": expected.captions,
        "named": dict(expected.named),
        "doubtful": {s: n for s, n in expected.doubtful.items() if n},
        "by_name": dict(expected.by_name),
        "words": {s: dict(w) for s, w in expected.words.items()},
    }


@pytest.mark.parametrize("half", ["developed", "aside", "rule"])
def test_hard_captions_name_whom_a_person_says(half: str) -> None:
    wrong = []
    for text, slugs, *doubtful in HARD[half]:
        found = told(tally([text]))
        if found["named"] != dict.fromkeys(slugs, 1) or found["doubtful"] != dict.fromkeys(
            doubtful[0] if doubtful else (), 1
        ):
            wrong.append((text, found["named"], found["doubtful"]))
    assert wrong == []
    assert [t for t, slugs, *_ in HARD[half] if PEOPLE.mentioned(t) != set(slugs)] == []


def test_all_hard_captions_together_are_what_they_are_one_by_one() -> None:
    captions = [text for half in HARD.values() for text, *_ in half] * 3
    same(tally(captions), captions, PEOPLE)
    same(tally(captions, batch=7), captions, PEOPLE)


def test_captions_that_name_nobody_are_counted_and_so_are_those_that_are_no_utf8() -> None:
    found = Tally(NAMES)
    captions = [b"nobody", b"n\xffbody", b"\xc3", "é".encode()]
    found.add(pa.array(captions, pa.large_binary()))
    found.add(pa.array([b"nobody"], pa.large_binary()))
    assert (found.captions, found.undecodable) == (5, 2)
    assert found.named.sum() == 0
    assert by_concept(found) == {}


def test_words_are_counted_anew_after_they_were_taken() -> None:
    found = tally(["Zori at sea at sea"])
    assert by_concept(found) == {"zori": {"zori": 1, "at": 1, "sea": 1}}
    assert (found.words.size, by_concept(found)) == (0, {})
    found.add(pa.array([b"Zori swims"], pa.large_binary()))
    assert by_concept(found) == {"zori": {"zori": 1, "swims": 1}}


def test_captions_normalised_in_turns_are_all_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    captions = [text for half in HARD.values() for text, *_ in half]
    monkeypatch.setattr("copycat.counting.tally._AT_ONCE", 5)
    same(tally(captions), captions, PEOPLE)


def test_words_of_long_captions_are_counted_a_few_captions_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    captions = [f"Zori, Link {i % 3} and {'x' * (i % 40)}" for i in range(60)]
    monkeypatch.setattr(beside, "_AT_ONCE", 100)
    same(tally(captions), captions, PEOPLE)
    assert len(list(tally(captions).words.take())) > 20


PIECES = st.sampled_from(
    [
        "ab",
        "b",
        "a",
        "ab b",
        "b a",
        "é",
        "ß",
        "SS",
        "-",
        "'",
        " ",
        "  ",
        "\n",
        ".",
        "\u200b",
        "٣",
        "孫",
        "🜛",
        "_",
        "x",
    ]
)
CAPTION = st.lists(PIECES, max_size=8).map("".join)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_names_within_names_and_beside_one_another(data: st.DataObject) -> None:
    name = CAPTION.filter(lambda n: bool(Registry("r", 1, [_who("x", n)])._names))
    people = data.draw(
        st.lists(
            st.tuples(name, st.lists(name, max_size=2), st.lists(name, max_size=2), st.booleans()),
            min_size=1,
            max_size=4,
        )
    )
    registry = Registry(
        "r",
        1,
        [
            _who(
                f"s{i}", n, aliases=tuple(also), namesakes=tuple(others), common_words=(n,) if common else ()
            )
            for i, (n, also, others, common) in enumerate(people)
        ],
    )
    captions = data.draw(st.lists(CAPTION, min_size=1, max_size=10))
    names = Names(concepts([registry], any_name=True))
    same(tally(captions, names, batch=3), captions, registry)


def _who(slug: str, name: str, **more: object) -> Character:
    return Character.model_validate({"slug": slug, "name": name, "owner": "o", "generic": "g", **more})


def test_names_that_match_everything_are_refused() -> None:
    with pytest.raises(UserError, match="No name of the character star holds a letter or digit"):
        concepts([Registry("r", 1, [_who("star", "★", aliases=("!!",))])])
    with pytest.raises(UserError, match=r"'the', a name of the character it, .* --any-name"):
        concepts([Registry("r", 1, [_who("it", "It Thing", aliases=("The",))])])
    found = concepts([Registry("r", 1, [_who("it", "It Thing", aliases=("The", "★"))])], any_name=True)
    assert found == (Concept("it", "It Thing", ("it thing", "the")),)


def test_two_registries_with_one_slug_are_refused() -> None:
    with pytest.raises(UserError, match="Two of the registries have a character zori"):
        concepts([PEOPLE, PEOPLE])
    with pytest.raises(UserError, match="nobody"):
        concepts([])


def test_what_is_counted_has_one_identity_in_every_process() -> None:
    # Sets have another order in each, and parts would never be found again.
    code = (
        "from copycat.counting.names import concepts; from copycat.counting.parts import Rule; "
        "from copycat.subjects.characters import load_registry; "
        "print(Rule(concepts([load_registry('copycat')])).identity)"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(told) == 1


def test_without_the_package_the_message_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ahocorasick_rs", None)
    with pytest.raises(
        MissingRequirement, match=r"Counting captions needs .*pip install 'ahocorasick-rs>=1.0'"
    ):
        Names(concepts([PEOPLE]))
