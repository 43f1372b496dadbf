"""Video pipelines of diffusers, from a folder or the hub."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import diffusers
import numpy as np
import numpy.typing as npt
from PIL import Image

from copycat.cards.hooks import WeightEdit
from copycat.cards.models import ModelCard, Motion
from copycat.errors import BadFile
from copycat.generators.base import ImageOutcome
from copycat.generators.diffusers_image import DiffusersImage
from copycat.generators.pipelines import accepted, load_pipeline
from copycat.io.video import encoder
from copycat.records import Request, Sampling


class DiffusersVideo(DiffusersImage):
    """Any pipeline that takes `num_frames` too, and returns `frames`; fails and recovers as for pictures."""

    def _load(self, card: ModelCard, device: str, edits: Sequence[WeightEdit]) -> Any:
        self.check(card)
        motion = card.motion_adapter
        parts = {"motion_adapter": _motion_adapter(card, motion, device)} if motion else {}
        return load_pipeline(card, device, edits=edits, **parts)

    @classmethod
    def check(cls, card: ModelCard) -> None:
        if not card.sampling.frames or not card.sampling.fps:
            raise BadFile(f"The card {card.name} draws videos, so its sampling must say frames and fps.")
        encoder()

    def _draw(self, requests: Sequence[Request], texts: dict[str, Any]) -> list[ImageOutcome]:
        sampling = requests[0].sampling
        # LTX is conditioned on its rate; to the others it matters only when the video is saved.
        pace = accepted(self._pipeline.__call__, {"frame_rate": sampling.fps})
        done = self._call(requests, texts, num_frames=sampling.frames, output_type="np", **pace)
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


def _motion_adapter(card: ModelCard, motion: Motion, device: str) -> Any:
    """The motion modules of `card`, for an image model whose weights stay as they are."""
    with motion.loading(card.title, "a motion adapter"):
        return diffusers.MotionAdapter.from_pretrained(
            motion.location,
            revision=motion.commit(),
            variant=motion.variant,
            dtype=card.torch_dtype(device),
            use_safetensors=True,
        )
