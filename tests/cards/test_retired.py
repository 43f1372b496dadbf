"""Hosted models that their providers shut down."""

from __future__ import annotations

import datetime as dt
import os

import pytest
import yaml
from typer.testing import CliRunner

from copycat.cards.judges import load_judge_card
from copycat.cards.llms import load_llm_card
from copycat.cards.models import load_card, names
from copycat.cli.main import app
from copycat.errors import MissingRequirement
from copycat.llms.base import load_chat
from copycat.stages.plan import check, check_judge_here

CARD = {
    "name": "gone", "title": "Gone", "kind": "openai-images", "source": "gone-1", "negative_prompt": False,
    "sampling": {"steps": 1, "guidance": 0, "height": 16, "width": 16}, "api": {"key_env": None},
    "retired": {"date": "2026-05-12", "successor": "next-1"},
}  # fmt: skip


def test_the_end_is_told_by_its_day():
    card = load_card("dall-e-3")
    before, day = dt.date(2026, 5, 11), dt.date(2026, 5, 12)
    assert not card.is_gone(before)
    assert card.is_gone(day)
    assert card.end(before).startswith("will be shut down on 2026-05-12")
    assert card.end(day) == ("was shut down on 2026-05-12; its provider recommends gpt-image-2.5-sunburst")
    assert load_card("sdxl").end(day) == ""


def test_only_hosted_cards_end_and_each_says_who_told():
    cards = [*map(load_card, names()), load_judge_card("gpt-4o"), load_llm_card("gpt-4o-mini")]
    ended = {c.name: c for c in cards if c.retired}
    assert {"dall-e-3", "gpt-image-1", "gpt-4o", "gpt-4o-mini"} == set(ended)
    for card in ended.values():
        assert card.api
        assert card.retired.told_by.startswith("https://developers.openai.com/")
    image = [c for c in ended.values() if c.name in names()]
    assert {c.retired.successor for c in image} <= set(names()), "there is a card to go on with"


def test_of_what_ends_there_is_a_card_to_go_on_with():
    judge, llms = load_judge_card("gpt-4o"), [load_llm_card(n) for n in ("gpt-4o", "gpt-4o-mini")]
    assert load_judge_card(judge.retired.successor).retired is None
    for card in llms:
        assert load_llm_card(card.retired.successor).retired is None
    # A reasoning model answers within the few tokens that it gets, and takes no temperature.
    successor = load_llm_card("gpt-6-luna")
    assert successor.api.options == {"reasoning_effort": "none"}
    assert successor.temperature is None


def test_a_judge_with_gated_weights_is_listed_as_one():
    assert load_judge_card("gemma-3-4b").gated
    told = " ".join(CliRunner().invoke(app, ["ls", "judges"]).output.split())
    assert told.count("it needs a hub login") == 1


def test_a_model_that_is_gone_is_neither_asked_nor_paid(tmp_path, monkeypatch, config):
    monkeypatch.setenv("COPYCAT_HOME", str(tmp_path))
    for folder, card in (
        ("models", CARD),
        ("judges", {k: CARD[k] for k in ("name", "source", "api", "retired")} | {"kind": "openai-chat"}),
        ("llms", {k: CARD[k] for k in ("name", "source", "api", "retired")} | {"kind": "openai-chat"}),
    ):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "gone.yaml").write_text(yaml.safe_dump(card))
    end = "was shut down on 2026-05-12; its provider recommends next-1, so it cannot be asked any more"
    with pytest.raises(MissingRequirement, match=f"Gone {end}"):
        check(config(model="gone", steps=None, mitigations=("none",)))
    with pytest.raises(MissingRequirement, match=f"The judge gone {end}"):
        check_judge_here(load_judge_card("gone"), "cpu")
    with pytest.raises(MissingRequirement, match=f"The language model gone {end}"):
        load_chat(load_llm_card("gone"), "cpu")
    # A dry run says so first, before it says that the model takes no negative prompt.
    for asked in (("--model", "gone"), ("--judge", "gone", "--limit", "1")):
        planned = CliRunner().invoke(app, ["run", *asked, "--out", str(tmp_path / "run"), "--dry-run"])
        assert isinstance(planned.exception, MissingRequirement)
        assert end in str(planned.exception)
    shown = CliRunner().invoke(app, ["ls", "models"], env={**os.environ, "COLUMNS": "400"}).output
    assert any(line.startswith("gone ") and end[:27] in line for line in shown.splitlines())
    told = CliRunner().invoke(app, ["doctor"]).output
    # As a model, as a judge and as a language model.
    gone = [line for line in told.splitlines() if line.startswith("gone ")]
    assert len(gone) == 3
    assert all(end.partition(", so")[0] in line for line in gone)
