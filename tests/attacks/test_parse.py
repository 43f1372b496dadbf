"""Guardrails and attacks as people write them."""

from __future__ import annotations

import pytest

from copycat.attacks import Attacked, crossed, parse
from copycat.errors import UnknownName, UserError


def test_a_guardrail_and_the_attack_on_it() -> None:
    made = parse("rewrite+negprompt[keywords=2]@typo[edits=2,queries=3]")
    assert isinstance(made, Attacked)
    assert [p.name for p in made.parts] == ["rewrite", "negprompt"]
    assert [p.name for p in made.everyone] == ["rewrite", "negprompt", "typo"]
    assert made.guard.spec == "rewrite+negprompt[keywords=2]"
    assert (made.attack.config.edits, made.attack.config.queries) == (2, 3)


def test_without_an_attack_it_is_a_mitigation_as_ever() -> None:
    assert not isinstance(parse("filter[judge=a@b]"), Attacked), "an @ inside of brackets is a card's"
    assert not isinstance(parse("none"), Attacked)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("none@typo@typo", "one attack"),
        ("@typo", "GUARDRAIL@ATTACK"),
        ("none@", "GUARDRAIL@ATTACK"),
        ("typo", "none@typo"),
        ("none@negprompt", "guardrail and no attack"),
        ("none@typo[edits=0]", "Option edits of typo"),
        ("none@typo[much=1]", "its options: "),
        ("none@typo[edits]", "not an option"),
        ("none@ty po", "not an attack"),
        ("gate@typo", "nothing behind it"),
    ],
)
def test_what_makes_no_sense_is_said_in_a_sentence(spec: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        parse(spec)


def test_an_unknown_attack_is_named_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="Did you mean typo"):
        parse("none@tipo")


def test_every_mitigation_is_crossed_with_every_attack() -> None:
    assert crossed(("none", "rewrite"), ("none", "typo[edits=2]")) == (
        "none", "none@typo[edits=2]", "rewrite", "rewrite@typo[edits=2]",
    )  # fmt: skip
    with pytest.raises(UserError, match="names its attack already"):
        crossed(("none@typo",), ("typo",))
    with pytest.raises(UnknownName):
        crossed(("none",), ("unheard-of",))
