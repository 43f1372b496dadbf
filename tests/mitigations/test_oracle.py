"""`--no-oracle`: mitigations get a guess from the prompt, never the truth."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from copycat.config import NOT_THE_RESULT
from copycat.mitigations import RunContext, parse
from copycat.mitigations.oracle import NoOracle
from copycat.records import digest
from copycat.stages.plan import plan
from tests.contracts.test_mitigations import CHARACTER, REGISTRY, REQUEST


def blind(spec: str, prompt: str):
    context = RunContext(REGISTRY)
    request = REQUEST.model_copy(update={"source_prompt": prompt, "prompt": prompt})
    return parse(spec).bind(context).apply(request, CHARACTER, NoOracle(context))


def test_a_right_guess_does_what_the_oracle_does():
    edited = blind("rewrite+negprompt", "Zori in the snow")
    assert (edited.prompt, edited.negative) == ("an owl in the snow", "Zori")
    assert [s.name for s in edited.provenance] == ["intent", "rewrite", "negprompt"]
    assert edited.provenance[0].note == "lexical: Zori (1.000: Zori)"


def test_a_wrong_guess_is_acted_on():
    edited = blind("rewrite+negprompt", "Kamo in the snow")
    assert edited.character == "zori"
    assert (edited.prompt, edited.negative) == ("a frog in the snow", "Kamo")


def test_nobody_found_nothing_done():
    edited = blind("rewrite+negprompt", "a wise owl")
    assert (edited.prompt, edited.negative) == ("a wise owl", "")
    assert [s.name for s in edited.provenance] == ["intent"]
    assert "nobody found" in edited.provenance[0].note


def test_what_needs_no_target_asks_nobody():
    assert blind("none", "Zori").provenance == ()
    # Behind a gate it is the gate that guesses.
    edited = blind("gate[threshold=0.4]+negprompt", "red cape")
    assert [s.name for s in edited.provenance] == ["gate", "negprompt"]
    assert edited.negative == "Zori"
    assert blind("gate+negprompt", "Kamo").negative == "Kamo"


def test_it_is_part_of_what_a_run_is(config):
    told, blind_run = config(), config(oracle=False)
    assert told.config.digest != blind_run.config.digest
    # As it was hashed before there was a choice.
    later = {"oracle", "measures", "height", "width", "frames", "variant", "compile", "also", "features"}
    settings = told.config.model_dump(mode="json", exclude={*NOT_THE_RESULT, *later})
    assert told.config.digest == digest(settings)


def test_a_plan_without_oracle_never_sees_the_truth(config, tmp_path: Path):
    lying = tmp_path / "lying.jsonl"
    rows = [
        {"set": "lying", "character": "zori", "text": "Kamo"},
        {"set": "lying", "character": "kamo", "text": "a teapot"},
    ]
    lying.write_text("".join(json.dumps(r) + "\n" for r in rows))
    made = config(prompts=(str(lying),), mitigations=("none", "negprompt"), seeds=(0,), oracle=False)
    assert [(r.mitigation, r.character, r.negative) for r in plan(made)] == [
        ("none", "zori", ""), ("none", "kamo", ""), ("negprompt", "zori", "Kamo"), ("negprompt", "kamo", ""),
    ]  # fmt: skip
    assert [bool(r.provenance) for r in plan(made)] == [False, False, True, True]


def test_where_nobody_needs_a_guess_nothing_is_loaded_for_one(config, monkeypatch):
    monkeypatch.setattr("copycat.stages.plan.NoOracle", None)
    assert plan(config(mitigations=("none", "gate+negprompt"), oracle=False))


def test_the_menagerie_is_guessed(config):
    """Of all 50: name 50, description 50, keywords 7, keywords2 30 (see docs/mitigations.md)."""
    made = config(
        model="menagerie", registry="menagerie", judge="menagerie", seeds=(0,), limit=10, oracle=False,
        prompts=("name", "description", "keywords2"), mitigations=("negprompt",),
    )  # fmt: skip
    registry = made.registry
    right = dict.fromkeys(made.prompts, 0)
    for r in plan(made):
        right[r.prompt_set] += r.negative == registry[r.character].name
    assert right["name"] == 10
    assert right["description"] >= 9
    assert 0 < right["keywords2"] <= 10


@pytest.mark.parametrize("model", ["gpt-image-1"])
def test_a_hosted_model_is_guarded_by_words_alone(model, config):
    made = config(model=model, judge="gpt-4o", registry="copycat", prompts=("name",), steps=None)
    context = made.context()
    step, who = NoOracle(context)(REQUEST.model_copy(update={"prompt": "Pikachu dancing"}))
    assert who is not None
    assert who.slug == "pikachu"
    assert list(step.config["thresholds"]) == ["lexical"]
