"""Counting and ranking words, against counts made by hand."""

from __future__ import annotations

import math

import pytest

from copycat.mining.cooccurrence import common, count, finder, rank, rerank, terms
from copycat.mining.ranking import Term, fuse, kind_of, prompt_sets
from copycat.subjects.characters import Character, Registry, load_registry

CAPTIONS = [
    "Zori the owl with a red cape",
    "Zori, an OWL by Ninth Kettle",
    "owl in a videogame, Zokin and Kamo",
    "a red frog",
    "Kamo the frog, red",
    "Zorian is another word",
    "owl",
    "owl on a tree",
]


@pytest.fixture
def registry() -> Registry:
    def one(slug: str, owner: str, *aliases: str) -> Character:
        return Character(
            slug=slug, name=slug.capitalize(), aliases=aliases, owner=owner, key="x", generic="x"
        )

    return Registry("two", 1, [one("zori", "Ninth Kettle", "Zokin"), one("kamo", "Tin Comet")])


def test_terms_leave_out_stop_words_numbers_and_single_letters() -> None:
    assert terms("A picture of the Red-Cape 12 x owl") == {"red", "cape", "owl"}
    assert terms("red cape of owl", 2) == {"red", "cape", "owl", "red cape"}


def test_counts_are_documents_and_names_stand_on_word_boundaries(registry: Registry) -> None:
    counts = count(CAPTIONS, registry)
    assert counts.captions == 8
    assert counts.named == {"zori": 3, "kamo": 2}
    assert counts.joint["zori"]["owl"] == 3
    assert counts.frequency["owl"] == 5
    # Twice in one caption is one caption.
    assert count(["owl owl Zori"], registry).joint["zori"]["owl"] == 1


def test_rankings(registry: Registry) -> None:
    counts = count(CAPTIONS, registry)
    first = {t.character: t for t in rank(counts, registry, "count", least=1) if t.rank == 1}
    assert (first["zori"].term, first["zori"].score, first["zori"].joint) == ("owl", 3.0, 3)
    by_pmi = {t.term: t for t in rank(counts, registry, "pmi", least=1) if t.character == "zori"}
    assert by_pmi["owl"].score == pytest.approx(math.log((3 / 8) / ((3 / 8) * (5 / 8))), abs=1e-6)
    assert by_pmi["cape"].score > by_pmi["owl"].score
    by_npmi = {t.term: t for t in rank(counts, registry, "npmi", least=1) if t.character == "zori"}
    assert by_npmi["owl"].score == pytest.approx(by_pmi["owl"].score / -math.log(3 / 8), abs=1e-5)


def test_own_names_never_appear_and_others_are_marked(registry: Registry) -> None:
    ranked = [t for t in rank(count(CAPTIONS, registry), registry, least=1) if t.character == "zori"]
    kinds = {t.term: t.kind for t in ranked}
    assert not {"zori", "zokin"} & kinds.keys()
    assert kinds["kamo"] == "character"
    # Everyday words of an owner's name are no owner by themselves.
    assert kinds["ninth"] == kinds["kettle"] == "generic"
    generic = prompt_sets(ranked, "cooc", (20,), "test", generic_only=True)["cooc20"][0].text
    assert "kamo" not in generic
    assert "kettle" in generic
    assert "kamo" in prompt_sets(ranked, "cooc", (20,), "test", generic_only=False)["cooc20"][0].text


def test_candidates_are_ranked_by_the_captions_they_share_with_the_name(registry: Registry) -> None:
    """Algorithm 2 of the paper; `[2, 1, 1]` are counted by hand in CAPTIONS."""
    captions = [*CAPTIONS, "Zori and a Red  cape", "the Zori teapot"]
    given = {"zori": ["teapot", "night sky", "red cape", "Zokin's hat", "owl"], "kamo": ["frog"]}
    found = list(rerank(given, count(captions, registry, finder(given)), registry, least=1))
    zori = [(t.term, t.joint, t.rank) for t in found if t.character == "zori"]
    # A phrase is counted whole, what the captions lack or what says the name is left out.
    assert zori == [("owl", 3, 1), ("red cape", 2, 2), ("teapot", 1, 3)]
    assert [t.term for t in found if t.character == "kamo"] == ["frog"]
    both = list(rerank(given, count(captions, registry, finder(given)), registry, least=2))
    assert "teapot" not in {t.term for t in both}
    # Equal ones stay as they were given.
    tied = {"zori": ["red cape", "owl"]}
    even = count(["Zori owl red cape"], registry, finder(tied))
    assert [t.term for t in rerank(tied, even, registry, least=1)] == ["red cape", "owl"]


@pytest.mark.parametrize(
    ("slug", "term", "kind"),
    [
        ("mario", "Bowser", "world"),
        ("pikachu", "bowser the dragon", "world"),
        ("mario", "toad", "world"),
        ("bulbasaur", "toad", "generic"),
        ("woody", "toy story poster", "work"),
        ("mario", "toy story", "work"),
        ("elsa", "frozen", "work"),
        ("squirtle", "frozen", "generic"),
        ("pikachu", "game", "generic"),
        ("pikachu", "Game Freak", "owner"),
        ("pikachu", "nintendo console", "owner"),
        ("spongebob-squarepants", "television", "generic"),
        ("mario", "red cap", "generic"),
        ("mario", "Luigi", "world"),
        ("mario", "Pikachu", "character"),
    ],
)
def test_what_a_word_names(slug: str, term: str, kind: str) -> None:
    assert kind_of(term, load_registry("copycat"), slug) == kind


def test_sets_take_the_first_words_in_order(registry: Registry) -> None:
    ranked = list(rank(count(CAPTIONS, registry), registry, least=1))
    sets = prompt_sets(ranked, "cooc", (1, 2), "test", generic_only=True)
    assert [p.text for p in sets["cooc1"]] == ["owl", "frog"]
    assert sets["cooc2"][1].text == "frog, owl"


def test_common_words_are_the_same_for_all_but_their_own_names(registry: Registry) -> None:
    counts = count(CAPTIONS, registry)
    by_slug = {
        slug: [t.term for t in common(counts, registry, least=1, keep=3) if t.character == slug]
        for slug in ("zori", "kamo")
    }
    assert by_slug == {"zori": ["owl", "red", "frog"], "kamo": ["owl", "red", "frog"]}
    named = [t.term for t in common(counts, registry, least=1, keep=99, generic_only=False)]
    # Each name stands for the other character alone.
    assert named.count("kamo") == named.count("zori") == 1


def test_fusing_prefers_what_stands_high_in_both() -> None:
    def ranking(*words: str) -> list[Term]:
        return [
            Term(character="zori", rank=i, term=w, kind="generic", score=0, joint=1)
            for i, w in enumerate(words, 1)
        ]

    fused = list(fuse([ranking("owl", "red", "cape"), ranking("beak", "Red", "owl")]))
    assert [(t.rank, t.term) for t in fused] == [(1, "owl"), (2, "red"), (3, "beak"), (4, "cape")]
    assert fused[0].score == pytest.approx(1 / 61 + 1 / 63, abs=1e-6)
    assert fused[1].score == pytest.approx(2 / 62, abs=1e-6)
    assert fused[0].joint is None
