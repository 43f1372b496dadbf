"""What every mitigation keeps to."""

from __future__ import annotations

import pytest
import yaml

from copycat.characters import Character, Registry
from copycat.errors import UserError
from copycat.llms import load_chat, load_llm_card
from copycat.mitigations import ALIASES, CATALOG, Mitigation, World, parse
from copycat.mitigations.base import Gatekeeper
from copycat.records import Request, Sampling
from tests.helpers import tiny
from tests.helpers.tiny import WORLD

REGISTRY = Registry("tiny", 1, [Character.model_validate(c) for c in yaml.safe_load(WORLD)["characters"]])
CHARACTER = Character.model_validate(yaml.safe_load(WORLD)["characters"][0])
REQUEST = Request(
    model="tiny@0", character="zori", prompt_set="name", run_seed=0, seed=7, mitigation="x",
    source_prompt="Zori the owl with red cape", prompt="Zori the owl with red cape",
    sampling=Sampling(steps=2, guidance=4, height=16, width=16),
)  # fmt: skip


def _alone(name: str) -> str:
    """A gate is nothing without what it guards."""
    return f"{name}+negprompt" if issubclass(CATALOG.get(name), Gatekeeper) else name


ALONE = [_alone(name) for name in CATALOG.names()]
SPECS = [
    *ALONE, *ALIASES, "rewrite+negprompt", "negprompt[keywords=2]", "rewrite+negprompt-cc+filter",
    "filter[of=target,action=refuse]", "gate[threshold=0.5]+rewrite+negprompt",
]  # fmt: skip


@pytest.fixture(scope="module")
def llm(tmp_path_factory):
    """Whichever language model is named, the answers are those of a tiny one."""
    card = load_llm_card(str(tiny.llm(tmp_path_factory.mktemp("llm"))))
    return lambda _: load_chat(card.model_copy(update={"max_tokens": 8}), "cpu")


@pytest.fixture
def world(tmp_path, monkeypatch, llm):
    """A run about the tiny registry, with words of every ranking."""
    monkeypatch.setenv("COPYCAT_HOME", str(tmp_path))
    words = {"zori": ["barn", "hoot"]}
    mined = {name: {"source": "test", "keywords": words} for name in ("emb", "cooc")}
    listed = {"registry": "tiny", "version": 1, "source": "test", "keywords": words, "rankings": mined}
    (tmp_path / "keywords").mkdir()
    (tmp_path / "keywords" / "tiny.yaml").write_text(yaml.safe_dump(listed))
    return World(REGISTRY, "menagerie", lambda name: f"{name}@0", chat=llm)


@pytest.mark.parametrize("name", SPECS)
def test_contract(name, world):
    mitigation = parse(name).bound(world)
    edited = mitigation.apply(REQUEST, CHARACTER)
    assert edited == parse(name).bound(world).apply(REQUEST, CHARACTER), "same input, same output"
    assert edited.seed == REQUEST.seed
    assert edited.source_prompt == REQUEST.source_prompt
    assert edited.prompt.strip()
    changed = {f for f in Request.model_fields if getattr(edited, f) != getattr(REQUEST, f)}
    assert changed <= {"prompt", "negative", "sampling", "trail"}
    assert bool(edited.trail) == bool(changed), "a change leaves a trace"
    for part in mitigation.parts:
        assert part.name in CATALOG.names()
        assert part.config.model_config["frozen"]
        assert (part.judge is not None) == part.reviews(edited), "who looks at a picture has said so"
        assert not part.reviews(REQUEST), "a request that was planned without it is none of its business"
    steps = [s for s in edited.trail if s.name in CATALOG.names()]
    assert len(steps) == sum(p.name != "none" for p in mitigation.parts)
    # What a trail says is enough to build the same thing again.
    for step, part in zip(
        sorted(steps, key=lambda s: s.name),
        sorted((p for p in mitigation.parts if p.name != "none"), key=lambda p: p.name),
        strict=True,
    ):
        assert type(part).options.model_validate(step.config) == part.config


@pytest.mark.parametrize("name", ALONE)
def test_who_knows_no_target_does_the_same_for_any(name, world):
    part = parse(name).bound(world)
    if any(p.knows_target for p in part.parts):
        return
    other = CHARACTER.model_copy(update={"slug": "kamo", "name": "Kamo", "aliases": ()})
    assert part.apply(REQUEST, CHARACTER) == part.apply(REQUEST, other)


def test_none_changes_nothing():
    assert parse("none").apply(REQUEST, CHARACTER) == REQUEST


def test_what_would_change_the_weights_is_refused_while_no_stage_does_it(monkeypatch):
    class Erasure(Mitigation):
        """Forgets a character."""

        name = "erase"

        def edit_model(self, pipeline):
            return pipeline

    monkeypatch.setattr("copycat.mitigations.base._kind", lambda _: Erasure)
    with pytest.raises(UserError, match="would do nothing"):
        parse("erase")


def test_order_is_the_users():
    edited = parse("rewrite+negprompt[keywords=1]").apply(REQUEST, CHARACTER)
    assert [s.name for s in edited.trail] == ["rewrite", "negprompt"]
    assert edited.negative == "Zori, videogame"
    assert "Zori" not in edited.prompt
