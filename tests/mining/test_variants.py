"""Prompts made from names."""

from __future__ import annotations

import pytest

from copycat.io.paths import PROMPTS
from copycat.mining.variants import actions, languages, misspelt
from copycat.subjects.characters import load_registry
from copycat.subjects.prompts import check


@pytest.mark.parametrize("letters", [1, 3])
def test_a_misspelt_name_differs_in_so_many_letters_and_names_nobody(letters: int) -> None:
    registry = load_registry("copycat")
    prompts = list(misspelt(registry, letters))
    for p in prompts:
        name = registry[p.character].name
        assert len(p.text) == len(name)
        assert sum(a != b for a, b in zip(p.text, name, strict=True)) == letters
    assert check(prompts, registry) == []
    assert prompts == list(misspelt(registry, letters))


@pytest.mark.parametrize("registry", ["copycat", "unseen"])
def test_the_shipped_variants_are_what_the_command_makes(registry: str) -> None:
    people = load_registry(registry)
    for name, made in (
        ("misspelt1", misspelt(people, 1)),
        ("misspelt3", misspelt(people, 3)),
        ("languages", languages(people)),
        ("actions", actions(people)),
    ):
        shipped = (PROMPTS / registry / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        assert shipped == [p.model_dump_json() for p in made]


def test_a_name_in_another_language_is_the_characters_name() -> None:
    registry = load_registry("copycat")
    for p in languages(registry):
        assert p.character in registry.mentioned(f"a picture of {p.text}")
