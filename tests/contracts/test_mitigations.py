"""What every mitigation keeps to."""

from __future__ import annotations

import pytest
import yaml

from copycat.characters import Character, Registry
from copycat.llms import load_chat, load_llm_card
from copycat.mitigations import CATALOG, World, parse
from copycat.mitigations.base import Gatekeeper
from copycat.records import Request, Sampling
from tests.helpers import tiny
from tests.helpers.tiny import WORLD

CHARACTER = Character.model_validate(yaml.safe_load(WORLD)["characters"][0])
REQUEST = Request(
    model="tiny@0", character="zori", prompt_set="name", run_seed=0, seed=7, mitigation="x",
    source_prompt="Zori the owl with red cape", prompt="Zori the owl with red cape",
    sampling=Sampling(steps=2, guidance=4, height=16, width=16),
)  # fmt: skip


REGISTRY = Registry("tiny", 1, [Character.model_validate(c) for c in yaml.safe_load(WORLD)["characters"]])


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Whichever language model is named, the answers are those of a tiny one."""
    card = load_llm_card(str(tiny.llm(tmp_path_factory.mktemp("llm"))))
    return World(REGISTRY, chat=lambda _: load_chat(card.model_copy(update={"max_tokens": 8}), "cpu"))


def _alone(name: str) -> str:
    """A gate is nothing without what it guards."""
    return f"{name}+negprompt" if issubclass(CATALOG.get(name), Gatekeeper) else name


@pytest.mark.parametrize(
    "spec",
    [
        *map(_alone, CATALOG.names()),
        "rewrite+negprompt",
        "negprompt[keywords=2]",
        "gate[threshold=0.5]+rewrite+negprompt",
    ],
)
def test_contract(spec, world):
    mitigation = parse(spec).bound(world)
    edited = mitigation.apply(REQUEST, CHARACTER)
    assert edited == parse(spec).bound(world).apply(REQUEST, CHARACTER), "same input, same output"
    assert edited.seed == REQUEST.seed
    assert edited.source_prompt == REQUEST.source_prompt
    assert edited.prompt.strip()
    changed = {f for f in Request.model_fields if getattr(edited, f) != getattr(REQUEST, f)}
    assert changed <= {"prompt", "negative", "sampling", "trail"}
    assert bool(edited.trail) == bool(changed), "a change leaves a trace"
    for part in mitigation.parts:
        assert part.name in CATALOG.names()
        assert part.config.model_config["frozen"]


def test_none_changes_nothing():
    assert parse("none").apply(REQUEST, CHARACTER) == REQUEST


def test_order_is_the_users():
    edited = parse("rewrite+negprompt[keywords=1]").apply(REQUEST, CHARACTER)
    assert [s.name for s in edited.trail] == ["rewrite", "negprompt"]
    assert edited.negative == "Zori, videogame"
    assert "Zori" not in edited.prompt
