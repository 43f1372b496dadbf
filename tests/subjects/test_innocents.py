"""Innocent prompts: whose they are, and what can be seen of them."""

from __future__ import annotations

import pytest

from copycat.errors import UserError
from copycat.resolve import resolve_settings
from copycat.subjects.characters import Registry, load_registry
from copycat.subjects.innocents import asked_items, innocents, is_innocent
from copycat.subjects.neutral import load_neutral


@pytest.mark.parametrize("name", ["menagerie", "copycat", "unseen"])
def test_every_neutral_prompt_goes_to_one_character(name):
    registry = load_registry(name)
    dealt = innocents("neutral", registry, registry.characters)
    assert sorted(p.text for p in dealt) == sorted(n.text for n in load_neutral(name))
    assert all(is_innocent(p.set) for p in dealt)
    near = {n.text: n.near for n in load_neutral(name) if n.near}
    assert near
    assert all(p.character == near[p.text] for p in dealt if p.text in near)
    places = [(p.character, p.index) for p in dealt]
    assert len(set(places)) == len(places)


def test_fewer_characters_get_their_share_alone():
    registry = load_registry("menagerie")
    everybody = innocents("neutral", registry, registry.characters)
    few = innocents("neutral", registry, registry.characters[:5])
    slugs = {c.slug for c in registry.characters[:5]}
    assert few == tuple(p for p in everybody if p.character in slugs)


def test_lookalikes_are_those_of_the_registry():
    registry = load_registry("copycat")
    ariel = innocents("lookalikes", registry, registry.select(["Ariel"]))
    assert [p.text for p in ariel] == list(registry["ariel"].lookalikes)
    assert {p.set for p in ariel} == {"also:lookalikes"}


def test_a_registry_without_them_is_told():
    registry = load_registry("copycat")
    bare = [c.model_copy(update={"lookalikes": ()}) for c in registry.characters[:2]]
    with pytest.raises(UserError, match="has no lookalikes prompts"):
        innocents("lookalikes", Registry("bare", 1, bare), bare)


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("purple bear with white cap and green glasses", ("purple bear", "white cap", "green glasses")),
        (
            "a mermaid with dark blue hair, a gold top and a pink fish tail",
            ("a mermaid", "dark blue hair", "a gold top", "a pink fish tail"),
        ),
        ("black and white photo of a pier", ("black and white photo of a pier",)),
        ("teal ghost", ("teal ghost",)),
    ],
)
def test_what_can_be_seen_is_told_apart(text, items):
    assert asked_items(text) == items


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"mitigations": ("negprompt",), "also": ("neutral",)}, "add none to"),
        ({"also": ("strangers",)}, "Setting also"),
        ({"features": "menagerie-embedding"}, "--also"),
        ({"also": ("neutral",), "features": "menagerie-panel"}, "no features"),
    ],
)
def test_what_cannot_be_compared_is_refused(given, complaint):
    with pytest.raises(UserError, match=complaint):
        resolve_settings(limit=1, **given)


def test_a_run_without_them_keeps_its_identity_and_one_with_them_has_its_own():
    plain, also = resolve_settings(limit=2), resolve_settings(limit=2, also=("lookalikes",))
    assert plain.config.digest != also.config.digest
    assert "also" not in plain.prompts
    assert also.features is not None
    assert also.features.name == "menagerie-embedding"
    assert [p.set for p in also.prompts["lookalikes"]][:1] == ["also:lookalikes"]
