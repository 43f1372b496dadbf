"""Video pipelines of diffusers, from a folder or the hub."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import diffusers
import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from copycat.errors import BadFile
from copycat.generators.base import ImageOutcome
from copycat.generators.batching import Fitting
from copycat.generators.diffusers_image import DiffusersImage
from copycat.generators.pipelines import load_pipeline, noise
from copycat.hub import loading
from copycat.loading import quiet_loading
from copycat.models import ModelCard
from copycat.records import Request, Sampling
from copycat.video import encoder


class DiffusersVideo(DiffusersImage):
    """Any pipeline that takes `num_frames` too, and returns `frames`; fails and recovers as for pictures."""

    def __init__(self, card: ModelCard, device: str) -> None:
        self.check(card)
        self.identity, self._card = card.identity(), card
        parts = {"motion_adapter": _motion_adapter(card, device)} if card.motion_adapter else {}
        self._pipeline = load_pipeline(card, device, **parts)
        self._fitting = Fitting(card.batch_size)
        # LTX is conditioned on its rate; to the others it matters only when the video is saved.
        self._paced = "frame_rate" in inspect.signature(self._pipeline.__call__).parameters

    @classmethod
    def check(cls, card: ModelCard) -> None:
        if not card.sampling.frames or not card.sampling.fps:
            raise BadFile(f"The card {card.name} draws videos, so its sampling must say frames and fps.")
        encoder()

    def _together(self, requests: Sequence[Request]) -> list[ImageOutcome]:
        sampling = requests[0].sampling
        with torch.inference_mode():
            done = self._pipeline(
                prompt=[r.prompt for r in requests],
                num_frames=sampling.frames,
                num_inference_steps=sampling.steps,
                height=sampling.height,
                width=sampling.width,
                generator=noise(r.seed for r in requests),
                output_type="np",
                **({"frame_rate": sampling.fps} if self._paced else {}),
                **{self._card.guidance_argument: sampling.guidance},
                **self._negatives(requests),
                **self._card.call,
            )
        return [_finished(np.asarray(clip), sampling) for clip in done.frames]


def _finished(clip: npt.NDArray[np.floating[Any]], sampling: Sampling) -> ImageOutcome:
    """The outcome of a drawn video of shape (frames, height, width, 3) with values in [0, 1]."""
    asked = (sampling.frames, sampling.height, sampling.width)
    if clip.shape[:3] != asked:
        # Pipelines round to what their autoencoder can do, and only warn.
        (n, height, width), (m, tall, wide) = clip.shape[:3], asked
        why = f"the pipeline made {n} frames of {width}×{height}, not {m} of {wide}×{tall} as the card asks"
        return ImageOutcome("error", error=why)
    if not np.isfinite(clip).all() or not clip.any():
        return ImageOutcome("error", error="the video is black or not a number (numerical overflow?)")
    frames = tuple(Image.fromarray(f) for f in (clip * 255).round().clip(0, 255).astype(np.uint8))
    return ImageOutcome("ok", frames[0], frames)


def _motion_adapter(card: ModelCard, device: str) -> Any:
    """The motion modules of `card`, for an image model whose weights stay as they are."""
    motion = card.motion_adapter
    if motion is None:
        raise ValueError("a card without a motion adapter")
    dtype = "float32" if device == "cpu" and card.dtype == "float16" else card.dtype
    with loading(motion.folder, motion.source, card.title, "a motion adapter"), quiet_loading():
        return diffusers.MotionAdapter.from_pretrained(
            str(motion.folder) if motion.folder else motion.source,
            revision=motion.commit(),
            variant=motion.variant,
            dtype=getattr(torch, dtype),
            use_safetensors=True,
        )
