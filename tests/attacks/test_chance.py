"""The chance baseline, on tiny pipelines."""

from __future__ import annotations

from itertools import islice

import pytest

from copycat.attacks.chance import Random, RandomOptions
from copycat.diffusion.tokens import vocabulary
from tests.attacks.test_udatk import Open
from tests.conftest import Tiny


@pytest.fixture
def victim(tiny_models: Tiny) -> Open:
    return Open(str(tiny_models.sd))


def _prompts(victim: Open, **given: int) -> list[str]:
    return [str(a.prompt) for a in islice(Random(RandomOptions(**given)).attempts(victim), 20)]


def test_words_of_the_vocabulary_stand_before_the_prompt_other_ones_each_time(victim: Open) -> None:
    found, asked = _prompts(victim, tokens=3), victim.request.source_prompt
    assert len(found) == len(set(found)) == 20
    known = set(vocabulary(victim.pipeline).words)
    for prompt in found:
        words = prompt.removesuffix(f" {asked}").split()
        assert len(words) == 3
        assert set(words) <= known
    assert found == _prompts(victim, tokens=3)
    assert found != _prompts(victim, tokens=3, seed=1)


def test_no_word_is_of_the_characters_names(victim: Open) -> None:
    victim.character = victim.character.model_copy(update={"name": "Red Owl", "aliases": ()})
    said = {word for prompt in _prompts(victim, tokens=50) for word in prompt.split()[:50]}
    assert len(said) > 20
    assert not said & {"red", "owl"}


def test_it_ends_where_the_words_do(victim: Open) -> None:
    found = [a.prompt for a in Random(RandomOptions(tokens=1)).attempts(victim)]
    assert len(found) == len(set(found)) <= len(vocabulary(victim.pipeline).words)
