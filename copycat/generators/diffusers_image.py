"""Image pipelines of diffusers, from a folder or the hub."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import diffusers
import torch
from PIL.Image import Image

from copycat.errors import BadFile, MissingRequirement
from copycat.generators.base import Generator, ImageOutcome
from copycat.loading import quiet_loading
from copycat.models import ModelCard
from copycat.records import Request


class DiffusersImage(Generator):
    """Any pipeline that takes `prompt`, `negative_prompt`, `guidance_scale` and `num_inference_steps`."""

    def __init__(self, card: ModelCard, device: str) -> None:
        self.identity, self.batch_size = card.identity(), card.batch_size
        self._pipeline = load_pipeline(card, device)

    def generate(self, requests: Sequence[Request]) -> list[ImageOutcome]:
        try:
            return self._together(requests)
        except Exception as e:  # noqa: BLE001  whatever a model raises becomes a row
            if len(requests) == 1:
                return [ImageOutcome("error", error=f"{type(e).__name__}: {e}")]
        return [outcome for r in requests for outcome in self.generate([r])]

    def _together(self, requests: Sequence[Request]) -> list[ImageOutcome]:
        sampling = requests[0].sampling
        # No negative at all is None and not "": pipelines such as SDXL's treat the two differently.
        negative = [r.negative for r in requests] if requests[0].negative else None
        with torch.inference_mode():
            done = self._pipeline(
                prompt=[r.prompt for r in requests],
                negative_prompt=negative,
                num_inference_steps=sampling.steps,
                guidance_scale=sampling.guidance,
                height=sampling.height,
                width=sampling.width,
                # On the CPU, so that the noise is the same on every device.
                generator=[torch.Generator("cpu").manual_seed(r.seed) for r in requests],
            )
        flagged = getattr(done, "nsfw_content_detected", None) or [False] * len(requests)
        return [_outcome(image, bool(flag)) for image, flag in zip(done.images, flagged, strict=True)]


def _outcome(image: Image, flagged: bool) -> ImageOutcome:
    if flagged:
        return ImageOutcome("refused_output", error="the pipeline's safety checker withheld the picture")
    image = image.convert("RGB")
    if image.getbbox() is None:
        # What NaN latents decode to; a picture of nothing must not count as "not detected".
        return ImageOutcome("error", error="the picture is entirely black (numerical overflow?)")
    return ImageOutcome("ok", image)


def load_pipeline(card: ModelCard, device: str, **parts: Any) -> Any:
    """The pipeline of `card` on `device`; half precision becomes float32 on a CPU, which lacks it.

    `parts` are components that were loaded from elsewhere.
    """
    with quiet_loading():  # diffusers imports a pipeline when it is first named
        kind = getattr(diffusers, card.pipeline, None)
    if not isinstance(kind, type) or not issubclass(kind, diffusers.DiffusionPipeline):
        raise BadFile(f"The card {card.name} names {card.pipeline}, which is no pipeline of diffusers.")
    dtype = "float32" if device == "cpu" and card.dtype == "float16" else card.dtype
    options: dict[str, Any] = dict.fromkeys(card.null_components) | parts
    if "safety_checker" in card.null_components:
        options["requires_safety_checker"] = False
    try:
        with quiet_loading():
            pipeline = kind.from_pretrained(
                str(card.folder) if card.folder else card.source,
                revision=card.revision,
                variant=card.variant,
                dtype=getattr(torch, dtype),
                use_safetensors=True,
                **options,
            )
    except Exception as e:
        reason = (str(e).strip() or type(e).__name__).splitlines()[0].rstrip(".:")
        if card.folder:
            raise BadFile(f"{card.folder} does not load as a {card.pipeline} ({reason}).") from e
        raise MissingRequirement(
            f"The weights of {card.name} are not on this machine and {card.source} cannot be fetched from "
            f"the hub; check the network and the disk ({reason})."
        ) from e
    if card.scheduler:
        scheduler = getattr(diffusers, card.scheduler, None)
        if scheduler is None:
            raise BadFile(f"The card {card.name} names {card.scheduler}, which is no scheduler of diffusers.")
        pipeline.scheduler = scheduler.from_config(pipeline.scheduler.config)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline.to(device)
