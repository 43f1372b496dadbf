"""What every mitigation keeps to, those of other packages too."""

from __future__ import annotations

import pickle

import pytest
import yaml

from copycat.errors import UserError
from copycat.llms import load_chat, load_llm_card
from copycat.mitigations import ALIASES, CATALOG, InputFilter, RunContext, parse
from copycat.records import Request, Sampling
from copycat.subjects.characters import Character, Registry
from tests.helpers import edits, tiny
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
    return f"{name}+negprompt" if issubclass(CATALOG.get(name), InputFilter) else name


ALONE = [*map(_alone, CATALOG.names()), "bareheaded"]
SPECS = [
    *ALONE, *ALIASES, "rewrite+negprompt", "negprompt[keywords=2]", "rewrite+negprompt-cc+filter",
    "filter[of=target,action=refuse]", "gate[threshold=0.5]+rewrite+negprompt",
    "bareheaded[insist=true]+rewrite", "ladder[at=copy,action=refuse]",
    "test-scale", "test-token[token=owl]", "test-push", "rewrite+test-scale+test-token[token=owl]+test-push",
]  # fmt: skip

pytestmark = pytest.mark.usefixtures("plugin")


@pytest.fixture(scope="module")
def llm(tmp_path_factory):
    """Whichever language model is named, the answers are those of a tiny one."""
    card = load_llm_card(str(tiny.llm(tmp_path_factory.mktemp("llm"))))
    return lambda _: load_chat(card.model_copy(update={"max_tokens": 8}), "cpu")


@pytest.fixture
def context(tmp_path, monkeypatch, llm):
    """A run about the tiny registry, with words of every ranking."""
    monkeypatch.setenv("COPYCAT_HOME", str(tmp_path))
    edits.install(monkeypatch)
    words = {"zori": ["barn", "hoot"]}
    mined = {name: {"source": "test", "keywords": words} for name in ("emb", "cooc")}
    listed = {"registry": "tiny", "version": 1, "source": "test", "keywords": words, "rankings": mined}
    (tmp_path / "keywords").mkdir()
    (tmp_path / "keywords" / "tiny.yaml").write_text(yaml.safe_dump(listed))
    return RunContext(
        REGISTRY, "menagerie", lambda name: f"{name}@0", chat=llm, characters=REGISTRY.characters[:1]
    )


@pytest.mark.parametrize("name", SPECS)
def test_contract(name, context):
    mitigation = parse(name).bind(context)
    edited = mitigation.apply(REQUEST, CHARACTER)
    assert edited == parse(name).bind(context).apply(REQUEST, CHARACTER), "same input, same output"
    assert edited.seed == REQUEST.seed
    assert edited.source_prompt == REQUEST.source_prompt
    assert edited.prompt.strip()
    sent = pickle.loads(pickle.dumps(parse(name)))  # noqa: S301  as to another process
    assert [p.config for p in sent.parts] == [p.config for p in parse(name).parts]
    changed = {f for f in Request.model_fields if getattr(edited, f) != getattr(REQUEST, f)}
    assert changed <= {"prompt", "negative", "sampling", "provenance", "variant", "conditioning"}
    assert bool(edited.provenance) == bool(changed), "a change leaves a trace"
    for part in mitigation.parts:
        assert part.name in CATALOG.names()
        assert part.config.model_config["frozen"]
        assert (part.judge is not None) == part.reviews(edited), "who looks at a picture has said so"
        assert not part.reviews(REQUEST), "a request that was planned without it is none of its business"
    steps = [s for s in edited.provenance if s.name in CATALOG.names()]
    assert len(steps) == sum(p.name != "none" for p in mitigation.parts)
    # What the provenance says is enough to build the same thing again.
    for step, part in zip(
        sorted(steps, key=lambda s: s.name),
        sorted((p for p in mitigation.parts if p.name != "none"), key=lambda p: p.name),
        strict=True,
    ):
        assert type(part).options.model_validate(step.config) == part.config


@pytest.mark.parametrize("name", ALONE)
def test_who_knows_no_target_does_the_same_for_any(name, context):
    part = parse(name).bind(context)
    if any(p.needs_target for p in part.parts):
        return
    other = CHARACTER.model_copy(update={"slug": "kamo", "name": "Kamo", "aliases": ()})
    assert part.apply(REQUEST, CHARACTER) == part.apply(REQUEST, other)


def test_none_changes_nothing():
    assert parse("none").apply(REQUEST, CHARACTER) == REQUEST


def test_options_are_checked_once_and_typed(monkeypatch):
    edits.install(monkeypatch)
    (part,) = parse("test-push[by=0.25]").parts
    assert part.config == edits.PushOptions(by=0.25)
    with pytest.raises(UserError, match=r"Option by of test-push.*its options: by"):
        parse("test-push[by=much]")


def test_order_is_the_users():
    edited = parse("rewrite+negprompt[keywords=1]").apply(REQUEST, CHARACTER)
    assert [s.name for s in edited.provenance] == ["rewrite", "negprompt"]
    assert edited.negative == "Zori, videogame"
    assert "Zori" not in edited.prompt
