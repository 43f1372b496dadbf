"""Whose names a prompt may hold besides the character's own, and what is written in their place."""

from __future__ import annotations

import pytest

from copycat.mitigations.world import OWNER, WorldName, world_names
from copycat.subjects.characters import Character, Origin, Registry


def character(slug: str, name: str, work: str, medium: str = "film") -> Character:
    origin = Origin(work=work, medium=medium, country="US", year=2000)
    return Character(slug=slug, name=name, owner="Zorix", generic=f"a {slug} owl", origin=origin)


REGISTRY = Registry(
    "worlds", 1,
    [
        character("a", "Zori", "Vexil"),
        character("b", "Kamo", "Frozen"),
        character("c", "Tirri", "The Long Vexil", "video game"),
        character("d", "Wumbo", "Ulmar", "shadow play"),
    ],
)  # fmt: skip


def names(slug: str) -> dict[str, WorldName]:
    (one,) = [c for c in REGISTRY.characters if c.slug == slug]
    return {n.text: n for n in world_names(REGISTRY, one)}


@pytest.mark.parametrize("slug", ["a", "b", "c", "d"])
def test_other_characters_are_in_it_and_one_is_not_in_its_own(slug: str) -> None:
    figures = {n.text: n.generic for n in names(slug).values() if n.kind == "figure"}
    assert figures == {c.name: c.generic for c in REGISTRY.characters if c.slug != slug}


@pytest.mark.parametrize(("slug", "title"), [("a", "Vexil"), ("b", "Frozen"), ("d", "Ulmar")])
def test_a_title_of_one_word_is_a_name_in_its_own_world_alone(slug: str, title: str) -> None:
    works = {s: {n.text for n in names(s).values() if n.kind == "work"} for s in "abcd"}
    assert [s for s in works if title in works[s]] == [slug]
    assert all("The Long Vexil" in works[s] for s in works), "several words are a name everywhere"


def test_a_work_is_told_by_what_it_is_and_an_owner_as_a_studio() -> None:
    assert (names("a")["Vexil"].generic, names("c")["The Long Vexil"].generic) == ("a film", "a game")
    assert names("d")["Ulmar"].generic == "a story", "a medium that has no word"
    owners = [n for n in names("a").values() if n.kind == "owner"]
    assert [(n.text, n.generic) for n in owners] == [("zorix", OWNER)]


def test_a_name_that_is_a_word_needs_its_capital() -> None:
    assert names("b")["Frozen"].capital
    assert not names("a")["Vexil"].capital
