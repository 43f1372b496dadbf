"""Presets: other settings of a card, under `name@preset`."""

from __future__ import annotations

from pathlib import Path

import pytest

from copycat.cards.models import load_card, names
from copycat.errors import BadFile, UnknownName

CARD = """\
name: mine
title: Mine
pipeline: StableDiffusionPipeline
source: someone/mine
revision: "0123456789012345678901234567890123456789"
variant: fp16
sampling: {steps: 50, guidance: 5.0, height: 64, width: 64}
call: {clip_skip: 1}
presets:
  slow: {variant: null, sampling: {steps: 99}, call: {eta: 0.5}}
"""


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("COPYCAT_HOME", str(tmp_path))
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


def test_a_preset_changes_single_settings(folder):
    (folder / "mine.yaml").write_text(CARD)
    plain, slow = load_card("mine"), load_card("mine@slow")
    assert (slow.name, slow.title, slow.variant) == ("mine@slow", "Mine @slow", None)
    assert slow.sampling == plain.sampling.model_copy(update={"steps": 99})
    assert slow.call == {"clip_skip": 1, "eta": 0.5}
    assert {"mine", "mine@slow"} <= set(names())
    assert slow.identity() != plain.identity()


def test_what_is_asked_of_the_pipeline_is_part_of_the_identity(folder):
    (folder / "mine.yaml").write_text(CARD)
    before = load_card("mine").identity()
    assert before.startswith("mine@012345678901+")
    (folder / "mine.yaml").write_text(CARD.replace("clip_skip: 1", "clip_skip: 2"))
    assert load_card("mine").identity() != before
    (folder / "mine.yaml").write_text(CARD.replace("call: {clip_skip: 1}\n", ""))
    assert load_card("mine").identity() == "mine@012345678901"


@pytest.mark.parametrize(
    ("given", "near"), [("playground@papr", "playground@paper"), ("mine@slo", "mine@slow")]
)
def test_an_unknown_preset_names_the_nearest(folder, given, near):
    (folder / "mine.yaml").write_text(CARD)
    with pytest.raises(UnknownName, match=near):
        load_card(given)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (CARD.replace("steps: 99", "steps: none"), "preset slow: sampling.steps"),
        (CARD.replace("eta: 0.5", "prompt: x"), "preset slow: call: .*prompt is set by copycat itself"),
        (CARD.replace("clip_skip: 1", "guidance_scale: 1"), "guidance_scale is already"),
    ],
)
def test_a_wrong_preset_is_found_when_the_card_is_read(folder, wrong, message):
    (folder / "mine.yaml").write_text(wrong)
    with pytest.raises(BadFile, match=message):
        load_card("mine")


@pytest.mark.parametrize(
    ("name", "source", "steps", "guidance", "size", "dtype"),
    [
        ("playground@paper", "playgroundai/playground-v2.5-1024px-aesthetic", 50, 3.0, 1024, "float16"),
        ("sdxl@paper", "stabilityai/stable-diffusion-xl-base-1.0", 50, 3.0, 1024, "float32"),
        ("pixart-alpha@paper", "PixArt-alpha/PixArt-XL-2-512x512", 50, 3.0, 512, "float32"),
        ("deepfloyd-if@paper", "DeepFloyd/IF-I-XL-v1.0", 100, 7.0, 1024, "float16"),
    ],
)
def test_the_papers_settings(name, source, steps, guidance, size, dtype):
    """He et al. 2024, section C.2 and Table 4."""
    card = load_card(name)
    assert (card.source, card.dtype) == (source, dtype)
    s = card.sampling
    assert (s.steps, s.guidance, s.height, s.width) == (steps, guidance, size, size)
    if card.stages:
        told = [(p.steps, p.guidance, p.call["noise_level"]) for p in card.stages]
        assert told == [(50, 4.0, 250), (75, 9.0, 100)]
