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

from copycat.errors import BadFile, MissingRequirement
from copycat.generators.base import ImageOutcome
from copycat.generators.diffusers_image import DiffusersImage, load_pipeline
from copycat.loading import quiet_loading
from copycat.models import ModelCard, Part
from copycat.records import Request, Sampling
from copycat.video import encoder


class DiffusersVideo(DiffusersImage):
    """Any pipeline that takes `num_frames` too, and returns `frames`; fails and recovers as for pictures."""

    def __init__(self, card: ModelCard, device: str) -> None:
        self.check(card)
        self.identity, self.batch_size = card.identity(), card.batch_size
        parts: dict[str, Any] = {}
        if card.motion_adapter:
            parts["motion_adapter"] = _adapter(card, card.motion_adapter, device)
        self._pipeline = load_pipeline(card, device, **parts)
        self._call = dict(card.call)
        # LTX is conditioned on its rate; to the others it matters only when the video is saved.
        self._paced = "frame_rate" in inspect.signature(self._pipeline.__call__).parameters

    @classmethod
    def check(cls, card: ModelCard) -> None:
        if not card.sampling.frames or not card.sampling.fps:
            raise BadFile(f"The card {card.name} draws videos, so its sampling must say frames and fps.")
        encoder()

    def _together(self, requests: Sequence[Request]) -> list[ImageOutcome]:
        sampling = requests[0].sampling
        pace = {"frame_rate": sampling.fps} if self._paced else {}
        with torch.inference_mode():
            done = self._pipeline(
                prompt=[r.prompt for r in requests],
                negative_prompt=[r.negative for r in requests] if requests[0].negative else None,
                num_frames=sampling.frames,
                num_inference_steps=sampling.steps,
                guidance_scale=sampling.guidance,
                height=sampling.height,
                width=sampling.width,
                # One for each video, on the CPU, so that the noise is the same on every device.
                generator=[torch.Generator("cpu").manual_seed(r.seed) for r in requests],
                output_type="np",
                **pace,
                **self._call,
            )
        return [_outcome(np.asarray(clip), sampling) for clip in done.frames]


def _outcome(clip: npt.NDArray[np.floating[Any]], sampling: Sampling) -> ImageOutcome:
    """`clip` has the shape (frames, height, width, 3) and values in [0, 1]."""
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


def _adapter(card: ModelCard, part: Part, device: str) -> Any:
    """AnimateDiff's motion modules, for an image model that stays as it is (Guo et al. 2024)."""
    dtype = "float32" if device == "cpu" and card.dtype == "float16" else card.dtype
    try:
        with quiet_loading():
            return diffusers.MotionAdapter.from_pretrained(
                str(part.folder) if part.folder else part.source,
                revision=part.revision,
                variant=part.variant,
                dtype=getattr(torch, dtype),
                use_safetensors=True,
            )
    except Exception as e:
        reason = (str(e).strip() or type(e).__name__).splitlines()[0].rstrip(".:")
        if part.folder:
            raise BadFile(f"{part.folder} does not load as a motion adapter ({reason}).") from e
        raise MissingRequirement(
            f"The motion adapter of {card.name} is not on this machine and {part.source} cannot be fetched "
            f"from the hub; check the network and the disk ({reason})."
        ) from e
