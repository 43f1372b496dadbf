"""The gate in front: what follows it acts only where it opens."""

from __future__ import annotations

import json

import pytest
import torch

from copycat.errors import RunConflict, UserError
from copycat.mitigations import RunContext, parse
from copycat.stages.plan import plan, prepare
from tests.contracts.test_mitigations import CHARACTER, REGISTRY, REQUEST


def apply(spec: str, prompt: str, **world: object):
    request = REQUEST.model_copy(update={"source_prompt": prompt, "prompt": prompt})
    return parse(spec).bind(RunContext(REGISTRY, **world)).apply(request, CHARACTER)


def test_open():
    edited = apply("gate+rewrite+negprompt", "Zori in the snow")
    assert (edited.prompt, edited.negative) == ("an owl in the snow", "Zori")
    assert [s.name for s in edited.provenance] == ["gate", "rewrite", "negprompt"]
    assert edited.provenance[0].note == "open: Zori (1.000: Zori)"
    assert edited.provenance[0].config["threshold"] == 1.0


def test_shut():
    edited = apply("gate+rewrite+negprompt", "a teapot in the snow")
    assert (edited.prompt, edited.negative) == ("a teapot in the snow", "")
    assert [(s.name, s.note) for s in edited.provenance] == [("gate", "shut: nobody")]


def test_what_stands_before_a_gate_acts_always():
    edited = apply("negprompt+gate+rewrite", "a teapot with red cape")
    assert (edited.prompt, edited.negative) == ("a teapot with red cape", "Zori")
    assert apply("gate[threshold=0.4]+rewrite", "a teapot with red cape").prompt == "a teapot with cape"


def test_it_knows_the_prompt_and_not_whom_it_is_for():
    one, other = (
        parse("gate+negprompt").bind(RunContext(REGISTRY)).apply(
            REQUEST.model_copy(update={"prompt": "Kamo", "character": slug}), REGISTRY[slug]
        )
        for slug in ("zori", "plitu")
    )  # fmt: skip
    assert one.provenance[0] == other.provenance[0]
    assert one.provenance[0].note.startswith("open: Kamo")
    # Where the oracle holds, what follows still knows the truth.
    assert (one.negative, other.negative) == ("Zori", "Plitu")


def test_by_embedding():
    axes = {"zo": 0, "owl": 0, "crown": 0, "kamo": 1, "frog": 1, "comic": 1, "plitu": 2, "cat": 2}

    def embed(texts):
        at = [next((i for w, i in axes.items() if w in t.casefold()), None) for t in texts]
        return torch.stack([torch.ones(3) if i is None else torch.eye(3)[i] for i in at])

    bound = parse("gate[by=embedding,threshold=0.9]+negprompt").bind(
        RunContext(REGISTRY, encoder="m@1", embed=lambda: embed)
    )
    for prompt, note, negative in (
        ("a wise owl", "open: Zori (1.000: ", "Zori"),
        ("a frog", "open: Kamo (1.000: ", "Zori"),
        ("a teapot", "shut: Zori (0.577: ", ""),
    ):
        edited = bound.apply(REQUEST.model_copy(update={"prompt": prompt}), CHARACTER)
        assert edited.provenance[0].note.startswith(note)
        assert edited.negative == negative


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("gate", "nothing behind it"),
        ("rewrite+gate", "nothing behind it"),
        ("gate[by=embedding]+rewrite", "not open"),
        ("gate[by=nose]+rewrite", "Option by of gate"),
        ("gate[fpr=2]+rewrite", "Option fpr of gate"),
    ],
)
def test_mistakes(spec, message):
    with pytest.raises(UserError, match=message):
        apply(spec, "x")


def test_without_neutral_prompts_an_embedding_needs_a_threshold():
    with pytest.raises(UserError, match="no neutral prompts for the registry tiny"):
        apply("gate[by=embedding]+rewrite", "x", embed=lambda: lambda texts: torch.ones(len(texts), 2))


def test_a_run_of_the_menagerie_guards_what_is_meant(config):
    made = config(
        model="menagerie", registry="menagerie", judge="menagerie", seeds=(0, 1), limit=4,
        prompts=("name", "keywords2"), mitigations=("gate[by=embedding]+negprompt", "gate+negprompt"),
    )  # fmt: skip
    requests = plan(made)
    acted = {
        (m, s): sum(bool(r.negative) for r in requests if (r.mitigation, r.prompt_set) == (m, s))
        for m in made.config.mitigations
        for s in made.config.prompts
    }
    # Words alone do not give away what has no name in it; the text encoder knows some.
    by_embedding, by_words = list(acted.values())[:2], list(acted.values())[2:]
    assert by_words == [8, 0]
    assert by_embedding[0] == 8
    assert by_embedding[1] > 0
    opened = {r.mitigation: r.provenance[0].config["threshold"] for r in requests}
    assert 0.6 < opened[made.config.mitigations[0]] < 0.9


@pytest.mark.parametrize("given", [{"mitigations": ("gate+negprompt",)}, {"oracle": False}])
def test_a_run_of_before_results_is_taken_up_again(config, given):
    made = config(**given)
    journal = prepare(made).request_journal
    rows = [json.loads(line) for line in journal.path.read_text().splitlines()]
    for row in rows:
        for step in row["provenance"]:
            step.pop("result", None)
    journal.path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert not any(s.result for r in journal.rows() for s in r.provenance)
    prepare(made)
    rows[0]["prompt"] = "another"
    journal.path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(RunConflict):
        prepare(made)
