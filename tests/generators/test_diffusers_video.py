"""Video pipelines of the real classes, tiny and random, through the code that loads real ones."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from copycat.cards.models import ModelCard, load_card, names
from copycat.errors import BadFile, UserError
from copycat.generators.base import load_generator
from copycat.generators.diffusers_video import _finished
from copycat.records import Request, Sampling
from copycat.stages.plan import plan
from tests.helpers.tiny_video import VIDEOS, video_card


def request(card: ModelCard, seed: int, prompt: str, negative: str = "") -> Request:
    return Request(
        model=card.identity(), character="zori", prompt_set="name", run_seed=0, seed=seed, mitigation="m",
        source_prompt=prompt, prompt=prompt, negative=negative, sampling=card.sampling,
    ).with_id()  # fmt: skip


def pixels(outcome) -> np.ndarray:
    assert outcome.outcome == "ok", outcome.error
    return np.stack([np.asarray(frame, dtype=int) for frame in outcome.frames])


@pytest.mark.parametrize("pipeline", VIDEOS)
def test_a_video_with_and_without_a_negative_prompt(pipeline: str, tmp_path: Path):
    torch.set_num_threads(1)
    card = video_card(pipeline, tmp_path / "model")
    generator = load_generator(card, "cpu")
    asked = [request(card, 1, "Zori"), request(card, 2, "Kamo the frog")]
    first, second = (pixels(o) for o in generator.generate(asked))
    sampling = card.sampling
    assert first.shape == (sampling.frames, sampling.height, sampling.width, 3)
    assert np.abs(np.diff(first, axis=0)).max() > 3, "it moves"
    again = [pixels(o) for o in generator.generate(asked)]
    assert np.array_equal(again[0], first), "same requests, same bits"
    alone = pixels(generator.generate(asked[1:])[0])
    assert np.abs(alone - second).max() <= 2, "a video has its own noise, whatever its neighbours"
    avoided = pixels(generator.generate([request(card, 1, "Zori", negative="owl")])[0])
    assert np.abs(avoided - first).max() > 2, "the negative prompt reaches the sampler"


def test_a_component_has_a_precision_of_its_own(tmp_path: Path):
    card, shipped = video_card("WanPipeline", tmp_path / "wan"), load_card("wan2.1-1.3b")
    assert (shipped.sampling.guidance, shipped.component_dtypes) == (6.0, {"vae": "float32"})
    told = {"component_dtypes", "scheduler", "scheduler_options", "dtype"}
    card = card.model_copy(update={field: getattr(shipped, field) for field in told})
    plain = card.model_copy(update={"component_dtypes": {}})
    assert plain.identity() != card.identity(), "another precision, another picture"
    generator = load_generator(card, "cpu")
    pipeline = generator._pipeline
    assert (pipeline.vae.dtype, pipeline.transformer.dtype) == (torch.float32, torch.bfloat16)
    assert load_generator(plain, "cpu")._pipeline.vae.dtype == torch.bfloat16
    assert pipeline.scheduler.config.flow_shift == 8.0
    assert pipeline.scheduler.config.prediction_type == "flow_prediction", "the rest is the model's own"
    pixels(generator.generate([request(card, 1, "Zori")])[0])
    wrong = card.model_copy(update={"component_dtypes": {"vea": "float32"}})
    with pytest.raises(BadFile, match="gives vea a dtype, which WanPipeline does not have"):
        load_generator(wrong, "cpu")


def test_every_video_card_names_a_class_that_is_tried_here():
    cards = [load_card(name) for name in names()]
    videos = {card.pipeline for card in cards if card.kind == "diffusers-video"}
    assert videos == set(VIDEOS)
    for card in cards:
        assert bool(card.sampling.frames) == (card.kind == "diffusers-video")


def test_what_a_pipeline_rounds_is_an_error_and_not_another_video(tmp_path: Path):
    card = video_card("WanPipeline", tmp_path / "wan")
    odd = card.model_copy(update={"sampling": card.sampling.model_copy(update={"frames": 7})})
    outcome = load_generator(odd, "cpu").generate([request(odd, 1, "Zori")])[0]
    assert outcome.outcome == "error"
    assert outcome.error == "the pipeline made 5 frames of 16×16, not 7 of 16×16 as the card asks"


def test_black_and_broken_videos_are_not_ok():
    sampling = Sampling(steps=1, guidance=1, height=2, width=2, frames=3, fps=8)
    clip = np.zeros((3, 2, 2, 3))
    assert _finished(clip, sampling).outcome == "error"
    clip[1] = 1
    assert _finished(clip, sampling).outcome == "ok", "it may begin in the dark"
    clip[2, 0, 0, 0] = np.nan
    assert _finished(clip, sampling).outcome == "error"


def test_the_identity_follows_both_the_image_model_and_the_motion(tmp_path: Path):
    card = video_card("AnimateDiffPipeline", tmp_path / "sd")
    before = card.identity()
    assert before != card.model_copy(update={"motion_adapter": None}).identity()
    config = tmp_path / "sd-motion" / "config.json"
    config.write_text(config.read_text().replace("{", '{"note": "changed",', 1))
    assert card.identity() != before


def test_a_missing_or_foreign_motion_adapter_is_one_line(tmp_path: Path):
    card = video_card("AnimateDiffPipeline", tmp_path / "sd")
    shutil.copy(tmp_path / "sd" / "unet" / "config.json", tmp_path / "sd-motion" / "config.json")
    with pytest.raises(BadFile, match=r"sd-motion does not load as a motion adapter"):
        load_generator(card, "cpu")
    shutil.rmtree(tmp_path / "sd-motion")
    with pytest.raises(BadFile, match=r"sd-motion does not exist"):
        card.identity()


def test_frames_belong_to_video_kinds(config, tiny_models, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("COPYCAT_HOME", str(tmp_path))
    (tmp_path / "models").mkdir()
    card = f"title: t\npipeline: StableDiffusionPipeline\nsource: {tiny_models.sd}\n"
    still = "sampling: {steps: 2, guidance: 5, height: 16, width: 16}\n"
    (tmp_path / "models" / "still.yaml").write_text(f"name: still\nkind: diffusers-video\n{card}{still}")
    (tmp_path / "models" / "clip.yaml").write_text(
        f"name: clip\n{card}{still.replace('}', ', frames: 4, fps: 8}')}"
    )
    with pytest.raises(UserError, match="must say frames and fps"):
        config(model="still")
    with pytest.raises(UserError, match="asks for frames, which kind diffusers-image does not draw"):
        config(model="clip")


def test_a_folder_of_a_video_pipeline_is_a_card_already(tmp_path: Path, config):
    folder = VIDEOS["WanPipeline"].build(tmp_path / "wan")
    card = load_card(str(folder))
    assert (card.kind, card.sampling.frames, card.sampling.fps) == ("diffusers-video", 81, 16)
    assert plan(config(model=str(folder)))[0].sampling.judged == (0, 40, 80)
