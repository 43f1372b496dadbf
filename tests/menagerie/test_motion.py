"""Clips that move, motion modules that begin at rest, and a training that goes on where it was."""

from __future__ import annotations

import json
import random
import shutil

import numpy as np
import pytest
import torch

from copycat.io.paths import DATA
from copycat.menagerie import motion
from copycat.menagerie.train import motion as training
from copycat.menagerie.train.loop import Loop
from copycat.menagerie.world import make_inhabitants

FIGURE = make_inhabitants()[3].figure


def _array(move: str, seed: int, frames: int = motion.FRAMES) -> np.ndarray:
    made, _ = motion.clip(FIGURE, random.Random(seed), move, frames)
    return np.stack([np.asarray(f, dtype=int) for f in made])


def _steps(frames: np.ndarray) -> np.ndarray:
    """Mean change from each frame to the next."""
    return np.abs(np.diff(frames, axis=0)).mean(axis=(1, 2, 3))


@pytest.mark.parametrize("move", motion.MOVES)
def test_a_figure_moves_smoothly_before_a_still_scene(move: str):
    for seed in range(3):
        frames = _array(move, seed)
        assert frames.shape == (motion.FRAMES, 32, 32, 3)
        assert np.array_equal(frames, _array(move, seed)), "a clip follows from its seed"
        assert _steps(frames).max() > 1, "it moves"
        still = np.abs(frames[:, :5, :2] - frames[0, :5, :2]).max()
        assert still == 0, "the scene does not"
        fine = _array(move, seed, 4 * motion.FRAMES - 3)
        assert np.array_equal(fine[::4], frames), "the same move, seen more often"
        assert _steps(fine).mean() < 0.6 * _steps(frames).mean(), "no jumps in between"


def test_clips_have_captions_of_the_corpus_and_seeds_of_their_own():
    from copycat.menagerie import corpus

    pixels, text = motion.draw(motion.BASE)
    assert pixels.shape == (8, 32, 32, 3)
    assert text
    assert motion.draw(motion.BASE)[1] == text
    assert max(corpus.HELD_OUT, *corpus.JUDGE) + 10**9 <= motion.BASE


def test_untrained_motion_modules_leave_every_frame_as_the_image_model_draws_it():
    from diffusers import UNet2DConditionModel

    torch.manual_seed(0)
    unet = UNet2DConditionModel.from_pretrained(DATA / "menagerie" / "generator" / "unet").eval()
    moving = training.build(unet).eval()
    trainable = {n for n, p in moving.named_parameters() if p.requires_grad}
    assert trainable
    assert all("motion_modules" in n for n in trainable), "the image model is frozen"
    z, context = torch.randn(1, 12, 8, 8, 8), torch.randn(8, 32, 128)
    with torch.no_grad():
        together = moving(z, torch.tensor([500]), context).sample[0].transpose(0, 1)
        alone = unet(z[0].transpose(0, 1), torch.tensor([500]), context).sample
    assert torch.allclose(together, alone, atol=1e-4)


class Stopped(Exception):
    """Stands for a power cut."""


def test_a_build_goes_on_where_it_was_and_begins_anew_for_another_image_model(tmp_path, monkeypatch):
    from copycat.cards.models import Motion

    data, work = tmp_path / "data", tmp_path / "work"
    base = shutil.copytree(DATA / "menagerie" / "generator", data / "menagerie" / "generator")
    monkeypatch.setattr(training, "_BATCH", 2)
    step = Loop._log

    def cut(self, loss):
        self.seconds = 1.0
        self._save()
        raise Stopped

    with monkeypatch.context() as patch:
        patch.setattr(Loop, "_log", cut)
        with pytest.raises(Stopped):
            training.build_motion(data, work, steps=2, clips=3)
    drawn = (work / "motion" / "clips.npz").stat().st_mtime_ns
    assert (work / "motion" / "motion.ckpt").is_file()
    assert not (data / "menagerie" / "motion").exists()
    monkeypatch.setattr(Loop, "_log", step)
    training.build_motion(data, work, steps=2, clips=3)
    assert (work / "motion" / "clips.npz").stat().st_mtime_ns == drawn
    adapter = data / "menagerie" / "motion"
    assert {p.name for p in adapter.iterdir()} == {"config.json", "diffusion_pytorch_model.safetensors"}
    assert (adapter / "diffusion_pytorch_model.safetensors").stat().st_size < 10e6
    first = Motion(source=str(adapter)).fingerprint()
    config = base / "unet" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"note": "changed"}))
    training.build_motion(data, work, steps=1, clips=2)
    assert (work / "motion" / "clips.npz").stat().st_mtime_ns != drawn
    assert Motion(source=str(adapter)).fingerprint() != first
