"""Names, the user's folder and broken cards."""

from __future__ import annotations

import pytest

from copycat.cards.models import CATALOG, load_card
from copycat.errors import BadFile, UnknownName
from copycat.subjects.characters import load_registry
from copycat.subjects.prompts import check, load_prompts

CARD = """\
name: mine
title: Mine
pipeline: StableDiffusionPipeline
source: /nowhere
sampling: {steps: 1, guidance: 1, height: 8, width: 8}
"""


@pytest.fixture
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("COPYCAT_HOME", str(tmp_path))
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


def test_the_users_cards_are_found(home):
    (home / "mine.yaml").write_text(CARD)
    assert "mine" in CATALOG.names()
    with pytest.raises(BadFile, match="does not exist"):
        load_card("mine").identity()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: [", "not valid YAML"),
        (CARD + "stpes: 3\n", "stpes"),
        ("- 1", "valid card"),
        ("", "valid card"),
    ],
)
def test_broken_cards_are_one_line(home, text, message):
    (home / "mine.yaml").write_text(text)
    with pytest.raises(BadFile, match=message) as e:
        load_card("mine")
    assert "\n" not in str(e.value)


def test_unknown_names_are_corrected():
    with pytest.raises(UnknownName, match="Did you mean menagerie"):
        load_card("menagery")


def test_leaks_are_found(tiny_models, tmp_path):
    registry = load_registry(str(tiny_models.registry))
    assert check(load_prompts(str(tiny_models.prompts), "tiny"), registry) == []
    path = tmp_path / "description.jsonl"
    row = '{{"set": "description", "character": "{}", "text": "{}"}}\n'
    path.write_text(row.format("zori", "a zokin") + row.format("kamo", "like Plitu") * 2)
    found = " ".join(check(load_prompts(str(path), "tiny"), registry))
    assert "says the character's name" in found
    assert "names plitu" in found
    assert "2 times" in found


def test_a_broken_prompt_line_is_named(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text('{"set": "x", "character": "zori", "text": "t"}\n{"set"\n')
    with pytest.raises(BadFile, match="line 2"):
        load_prompts(str(path), "tiny")
