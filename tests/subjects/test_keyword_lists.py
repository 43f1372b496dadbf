"""Shipped keyword lists say each word once, name nobody, and are what the prompt sets are made of."""

from __future__ import annotations

import pytest

from copycat.io.paths import PROMPTS
from copycat.mining.lists import rank
from copycat.mining.ranking import kind_of, prompt_sets
from copycat.mitigations.number import contains, stems
from copycat.subjects.characters import Character, load_registry, normalise
from copycat.subjects.keywords import CATALOG, FOLDER
from copycat.subjects.prompts import load_prompts

WRITTEN = ("copycat", "unseen")
SIZES = (3, 5, 10, 20, 50)


def _repeats(words: tuple[str, ...]) -> list[tuple[str, str]]:
    """Pairs of which one stands in the other; case, number and hyphens do not count."""
    bare = [stems(w) for w in words]
    pairs = ((i, j) for i in range(len(words)) for j in range(len(words)) if i != j)
    return [(words[i], words[j]) for i, j in pairs if contains(bare[j], bare[i])]


def test_repeats_are_found():
    assert _repeats(("white duck", "sailor", "Ducks", "sailor-suit", "bow")) == [
        ("sailor", "sailor-suit"),
        ("Ducks", "white duck"),
    ]


@pytest.mark.parametrize("name", WRITTEN)
def test_lists_are_whole_and_say_everything_once(name: str) -> None:
    registry, listed = load_registry(name), CATALOG.get(name).keywords
    assert list(listed) == [c.slug for c in registry.characters]
    for slug, words in listed.items():
        assert len(words) == max(SIZES), slug
        assert _repeats(words) == [], slug


@pytest.mark.parametrize("name", [*WRITTEN, "menagerie"])
def test_the_registries_own_keywords_say_everything_once(name: str) -> None:
    for character in load_registry(name).characters:
        assert len(character.keywords) >= 5, character.slug
        assert _repeats(character.keywords) == [], character.slug


@pytest.mark.parametrize("name", WRITTEN)
def test_keywords_name_nobody(name: str) -> None:
    registry, both = load_registry(name), [load_registry(n) for n in WRITTEN]
    works = {_work(c) for r in both for c in r.characters}
    own = {c.slug: c.keywords for c in registry.characters}
    for slug, words in [*CATALOG.get(name).keywords.items(), *own.items()]:
        told = f" | {' | '.join(normalise(w) for w in words)} | "
        assert not [work for work in works if f" {work} " in told], slug
        assert [w for w in words if kind_of(w, registry) != "generic"] == [], slug
        apart = told.replace("|", "x0x")  # so that no name is made of two keywords
        assert frozenset().union(*(r.mentioned(apart) for r in both)) == frozenset(), slug


def _work(character: Character) -> str:
    assert character.origin
    return normalise(character.origin.work.partition(" #")[0])


@pytest.mark.parametrize("name", WRITTEN)
def test_the_shipped_sets_are_what_the_command_makes(name: str) -> None:
    registry, listed = load_registry(name), CATALOG.get(name)
    told = f"{listed.source}; {(FOLDER / name).name}.yaml version {listed.version}"
    made = prompt_sets(rank(listed, registry), "lm", SIZES, told, generic_only=True, version=listed.version)
    for n in SIZES:
        shipped = load_prompts(f"lm{n}", name)
        assert list(shipped) == made[f"lm{n}"], "run `copycat mine list` with --out prompts/REGISTRY"
        assert {len(p.text.split(", ")) for p in shipped} == {n}
        lines = (PROMPTS / name / f"lm{n}.jsonl").read_text(encoding="utf-8").splitlines()
        assert lines == [p.model_dump_json() for p in shipped]
