"""Who is guarded, who is a neighbour, and who has nothing to do with it."""

from __future__ import annotations

import pytest

from copycat.errors import UnknownName, UserError
from copycat.robustness import choose
from copycat.subjects.characters import Character, Registry, load_registry


def _character(slug: str, key: str, marks: str, images: int) -> Character:
    told = {
        "slug": slug, "name": slug.capitalize(), "owner": "x", "key": key, "generic": f"a {key}",
        "marks": [{"text": m, "generic": ""} for m in marks.split(",")], "training_images": images,
    }  # fmt: skip
    return Character.model_validate(told)


REGISTRY = Registry(
    "small", 1,
    [
        _character("ada", "cat", "red cape,crown", 50), _character("bea", "cat", "red scarf,crown", 40),
        _character("cid", "fox", "blue horns,balloon", 30), _character("dan", "owl", "green cape", 20),
        _character("eve", "fox", "pink wings,balloon", 10),
    ],
)  # fmt: skip


def test_neighbours_are_those_that_share_most_and_what_they_share_is_named() -> None:
    found = choose(REGISTRY, ["ada"], 1, 2)
    assert [c.slug for c in found.erased] == ["ada"]
    near = {n.character.slug: (n.near.slug, n.shared) for n in found.neighbours}
    assert near == {"bea": ("ada", ("cat", "red", "crown")), "dan": ("ada", ("cape",))}
    assert {n.character.slug for n in found.unrelated} == {"cid", "eve"}
    assert all(n.shared == () for n in found.unrelated)
    assert not {c.slug for c in found.others} & {"ada"}


def test_the_nearest_erased_character_counts() -> None:
    found = choose(REGISTRY, ["ada", "cid"], 1, 1)
    assert (found.neighbours[0].character.slug, found.neighbours[0].near.slug) == ("bea", "ada")
    assert found.unrelated[0].character.slug == "dan"


def test_without_names_every_second_of_the_best_drawn_is_guarded() -> None:
    assert [c.slug for c in choose(REGISTRY, [], 2, 1).erased] == ["ada", "cid"]
    many = choose(load_registry("menagerie"), [], 10, 5)
    assert len(many.erased) == 10
    assert len(many.others) == len({c.slug for c in many.others}) == 10
    least = min(len(n.shared) for n in many.neighbours)
    assert least > max(len(n.shared) for n in many.unrelated)


def test_too_few_characters_and_unknown_ones_are_said() -> None:
    with pytest.raises(UserError, match="small has 5 characters: 2 to erase, 2 neighbours and as many"):
        choose(REGISTRY, [], 2, 2)
    with pytest.raises(UnknownName, match="zed"):
        choose(REGISTRY, ["zed"], 1, 1)


def test_what_most_characters_have_brings_nobody_near() -> None:
    alike = [
        _character(f"c{i}", key, f"emblem,{mark}", 10 * i)
        for i, (key, mark) in enumerate(
            [("cat", "crown"), ("fox", "crown"), ("owl", "horns"), ("bee", "sword")]
        )
    ]
    found = choose(Registry("alike", 1, alike), ["c0"], 1, 1)
    assert [(n.character.slug, n.shared) for n in found.neighbours] == [("c1", ("crown",))]
    # Of those who share as little, the better drawn.
    assert [n.character.slug for n in found.unrelated] == ["c3"]
