"""What every mitigation of texts keeps to."""

from __future__ import annotations

import re

import pytest
from pydantic import ValidationError

from copycat.errors import UnknownName, UserError
from copycat.verbatim.text.corpora import load_corpus
from copycat.verbatim.text.mitigations import CATALOG, Composition, Protected, parse

DOCUMENTS = load_corpus("austen").documents
PROTECTED = Protected(DOCUMENTS[:2])
OWN = DOCUMENTS[0].text[300:1500]
"""Of a protected work."""
OTHER = DOCUMENTS[-1].text[300:1500]
SPECS = [*CATALOG.names(), "block[n=6]+output-filter[at=phrase]", "output-filter[at=sentence]+block"]


def encode(text: str) -> list[int]:
    """A token a character, which is the plainest tokenizer there is."""
    return [min(ord(c), 199) for c in text]


def stops(composed: Composition, text: str) -> bool:
    """Whether any token of `text` is forbidden, or all of it withheld."""
    tokens = encode(text)
    blocks = composed.blocks(PROTECTED, encode, 200)
    if any(b.forbidden(tokens[:i])[tokens[i]] for b in blocks for i in range(len(tokens))):
        return True
    return bool(composed.reviewer(PROTECTED)(text))


@pytest.mark.parametrize("spec", SPECS)
def test_it_stops_a_protected_text_and_lets_others_be(spec: str) -> None:
    # Of characters, ten in a row are common; and in so long a text some would be taken for others by chance.
    composed = parse(re.sub(r"block(\[n=6\])?", "block[n=30,rate=0.0000001]", spec))
    assert stops(composed, OWN)
    assert not stops(composed, OTHER)
    assert not stops(composed, "")


@pytest.mark.parametrize("spec", SPECS)
def test_it_says_whether_it_acts_while_a_model_decodes(spec: str) -> None:
    composed = parse(spec)
    assert composed.decodes == bool(composed.blocks(PROTECTED, encode, 200))


@pytest.mark.parametrize("name", CATALOG.names())
def test_its_options_are_checked_and_frozen(name: str) -> None:
    kind = CATALOG.get(name)
    assert kind.name == name
    made = kind(kind.options())
    with pytest.raises(ValidationError):
        made.config.surely_none = 1
    with pytest.raises(UserError, match="its options"):
        parse(f"{name}[surely_none=1]")


def test_none_is_nothing() -> None:
    composed = parse("none")
    assert not composed.parts
    assert not stops(composed, OWN)
    with pytest.raises(UnknownName):
        parse("none+block")


def test_a_filter_that_looks_for_words_misses_digits_unless_it_is_told_to_read_them() -> None:
    from copycat.verbatim.text.prompts.digits import encode as with_digits

    hidden = with_digits(OWN)
    assert not parse("output-filter[at=phrase]").reviewer(PROTECTED)(hidden)
    assert "in a row" in parse("output-filter[at=phrase,fold=true]").reviewer(PROTECTED)(hidden)


def test_the_first_part_that_objects_is_named() -> None:
    why = parse("output-filter[at=page]+output-filter[at=phrase]").reviewer(PROTECTED)(OWN)
    assert why.startswith("output-filter: ")
    assert DOCUMENTS[0].title in why
