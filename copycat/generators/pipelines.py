"""Loading a pipeline of diffusers and putting it where it runs."""

from __future__ import annotations

import hashlib
import inspect
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import diffusers
import torch
from PIL.Image import Image

from copycat.errors import BadFile
from copycat.generators.base import ImageOutcome
from copycat.hub import loading
from copycat.lengths import overlong
from copycat.loading import check_packages, quiet_loading
from copycat.models import ModelCard, Part
from copycat.records import Request

_DENOISERS = ("unet", "transformer")


def load_pipeline(card: ModelCard, device: str, part: Part | None = None, **components: Any) -> Any:
    """A pipeline of `card`, its first unless another `part` is given, ready to draw on `device`.

    `components` are those that were loaded from a place of their own.
    Half precision becomes float32 on a CPU, which lacks it. Only safetensors are read, and no code that
    comes with weights is run.
    """
    part = part or card
    check_packages(card.packages, card.title)
    with quiet_loading():  # diffusers imports a pipeline when it is first named
        kind = getattr(diffusers, part.pipeline, None)
    if not isinstance(kind, type) or not issubclass(kind, diffusers.DiffusionPipeline):
        raise BadFile(f"The card {card.name} names {part.pipeline}, which is no pipeline of diffusers.")
    dtype = "float32" if device == "cpu" and card.dtype == "float16" else card.dtype
    options: dict[str, Any] = dict.fromkeys(part.null_components) | components
    if "safety_checker" in part.null_components and _takes(kind.__init__, "requires_safety_checker"):
        options["requires_safety_checker"] = False
    with loading(part.folder, part.source, card.title, f"a {part.pipeline}"), quiet_loading():
        pipeline = kind.from_pretrained(
            str(part.folder) if part.folder else part.source,
            revision=part.commit(),
            variant=part.variant,
            dtype=getattr(torch, dtype),
            use_safetensors=True,
            trust_remote_code=False,
            **options,
        )
    _check_call(card, part, kind)
    if part.scheduler:
        scheduler = getattr(diffusers, part.scheduler, None)
        if scheduler is None:
            raise BadFile(f"The card {card.name} names {part.scheduler}, which is no scheduler of diffusers.")
        pipeline.scheduler = scheduler.from_config(pipeline.scheduler.config, **part.scheduler_options)
    pipeline.set_progress_bar_config(disable=True)
    if card.compile:
        for name in _DENOISERS:
            module = getattr(pipeline, name, None)
            if module is not None:
                module.compile()
    return _place(pipeline, device, card.offload)


def _place(pipeline: Any, device: str, offload: str) -> Any:
    """`pipeline` on `device`, with what waits in main memory; on a CPU everything is there anyway."""
    if device == "cpu" or offload == "none":
        return pipeline.to(device)
    if offload == "model":
        pipeline.enable_model_cpu_offload(device=device)
    else:
        pipeline.enable_sequential_cpu_offload(device=device)
    return pipeline


def _takes(function: Any, argument: str) -> bool:
    return argument in inspect.signature(function).parameters


def accepted(function: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """Those of `arguments` that `function` names."""
    return {key: value for key, value in arguments.items() if _takes(function, key)}


def _check_call(card: ModelCard, part: Part, kind: Any) -> None:
    """Arguments that the pipeline does not name would be dropped by some and end the run in others."""
    wanted = list(part.call)
    if part is card:
        wanted += [card.guidance_argument, *([card.negative_argument] if card.negative_prompt else [])]
    unknown = next((key for key in wanted if not _takes(kind.__call__, key)), None)
    if unknown:
        raise BadFile(f"The card {card.name} passes {unknown}, which {part.pipeline} does not take.")


def noise(seeds: Iterable[int], stage: int = 0) -> list[torch.Generator]:
    """A generator a picture, on the CPU, so that the noise is the same on every device.

    Each later `stage` draws noise of its own, whatever batches the earlier ones were drawn in.
    """
    return [torch.Generator("cpu").manual_seed(_of_stage(seed, stage)) for seed in seeds]


def _of_stage(seed: int, stage: int) -> int:
    if stage == 0:
        return seed
    return int.from_bytes(hashlib.sha256(f"{seed}|{stage}".encode()).digest()[:8], "big") >> 1


def cut_off(pipeline: Any, requests: Iterable[Request], reader: str) -> list[str]:
    """One sentence for each prompt set and mitigation with texts longer than `pipeline` reads."""
    texts: dict[str, dict[str, None]] = defaultdict(dict)
    for r in requests:
        texts[f"prompts of {r.mitigation} on {r.prompt_set}"][r.prompt] = None
        if r.negative:
            texts[f"negative prompts of {r.mitigation} on {r.prompt_set}"][r.negative] = None
    names = ("tokenizer", "tokenizer_2", "tokenizer_3", "tokenizer_4")
    return overlong(texts, [t for n in names if (t := getattr(pipeline, n, None)) is not None], reader)


def flags(output: Any) -> list[bool]:
    """Which pictures the pipeline's safety checker withheld; the pipelines do not agree on the name."""
    found = getattr(output, "nsfw_content_detected", None) or getattr(output, "nsfw_detected", None)
    return [bool(flag) for flag in found] if found else [False] * len(output.images)


def finished(image: Image, flagged: bool) -> ImageOutcome:
    """The outcome of a drawn picture: a black one is never a picture."""
    if flagged:
        return ImageOutcome("refused_output", error="the pipeline's safety checker withheld the picture")
    image = image.convert("RGB")
    if image.getbbox() is None:
        # What NaN latents decode to; a picture of nothing must not count as "not detected".
        return ImageOutcome("error", error="the picture is entirely black (numerical overflow?)")
    return ImageOutcome("ok", image)
