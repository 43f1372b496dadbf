"""Loading a pipeline of diffusers and putting it where it runs."""

from __future__ import annotations

import hashlib
import inspect
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import diffusers
import torch
from PIL.Image import Image

from copycat.cards.hooks import WeightEdit
from copycat.cards.models import ModelCard, Part
from copycat.cards.pipelines import pipeline_class
from copycat.errors import BadFile
from copycat.generators.base import ImageOutcome
from copycat.generators.compiling import compile_denoiser
from copycat.generators.encoded_texts import encode_once
from copycat.generators.shortcuts import take_shortcuts
from copycat.io.atomic import at_work_in, disk_guard
from copycat.io.lifecycle import free_memory
from copycat.io.loading import check_packages


def load_pipeline(
    card: ModelCard,
    device: str,
    part: Part | None = None,
    edits: Sequence[WeightEdit] = (),
    **components: Any,
) -> Any:
    """A pipeline of `card`, its first unless another `part` is given, ready to draw on `device`.

    `edits` change its weights in this order, before anything is placed, offloaded or compiled; what they need
    is computed first where the cache lacks it, on the weights as they are published, in float32 and with
    every step. `components` are those that were loaded from a place of their own.
    Half precision becomes float32 on a CPU, which lacks it. Only safetensors are read, and no code that
    comes with weights is run.
    """
    part = part or card
    # What edits are computed from is not to be rounded, since half precision loses the small steps of a
    # training, and no step of it left out.
    exact = card.model_copy(update={"storage": None, "step_cache": None, "dtype": "float32"})

    def load(wanted: ModelCard, some: Sequence[WeightEdit]) -> Any:
        pipeline = _read(wanted, device, part, components)
        for edit in some:
            edit.apply(pipeline, edit.folder)
        take_shortcuts(pipeline, wanted, device)
        return pipeline

    _make_edits(exact, edits, lambda before: _place(load(exact, before), device, card.offload))
    pipeline = load(card, edits)
    if card.compile:
        compile_denoiser(pipeline)
    encode_once(pipeline)
    return _place(pipeline, device, card.offload)


def _read(card: ModelCard, device: str, part: Part, components: Mapping[str, Any]) -> Any:
    """The pipeline of `part` as it is published, in main memory."""
    check_packages(card.packages, card.title)
    kind = pipeline_class(part.pipeline)
    if kind is None:
        raise BadFile(f"The card {card.name} names {part.pipeline}, which is no pipeline of diffusers.")
    options: dict[str, Any] = {**dict.fromkeys(part.null_components), **components}
    if "safety_checker" in part.null_components and _takes(kind.__init__, "requires_safety_checker"):
        options["requires_safety_checker"] = False
    with part.loading(card.title, f"a {part.pipeline}"):
        pipeline = kind.from_pretrained(
            part.location,
            revision=part.commit(),
            variant=part.variant,
            dtype=card.component_torch_dtypes(part, device),
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
    return pipeline


def _make_edits(
    card: ModelCard, edits: Sequence[WeightEdit], load: Callable[[Sequence[WeightEdit]], Any]
) -> None:
    """Compute what is not in the cache yet; `load` gives a pipeline that the given edits have changed."""
    for number, edit in enumerate(edits):
        if edit.folder.is_dir():
            continue
        with disk_guard(edit.folder):
            edit.folder.parent.mkdir(parents=True, exist_ok=True)
            unfinished = Path(tempfile.mkdtemp(dir=edit.folder.parent, prefix=f".{edit.identity}."))
        try:
            # What is made for hours is not taken for something that a killed process left.
            with at_work_in(unfinished):
                edit.make(load(edits[:number]), unfinished, card)
                unfinished.rename(edit.folder)
        except OSError:
            if not edit.folder.is_dir():  # else another process was faster, with the same result
                raise
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
            free_memory()


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
    strange = next((name for name in part.component_dtypes if not _takes(kind.__init__, name)), None)
    if strange:
        raise BadFile(f"The card {card.name} gives {strange} a dtype, which {part.pipeline} does not have.")


def noise(seeds: Iterable[int], stage: int = 0) -> list[torch.Generator]:
    """A generator a picture, on the CPU, so that the noise is the same on every device.

    Each later `stage` draws noise of its own, whatever batches the earlier ones were drawn in.
    """
    return [torch.Generator("cpu").manual_seed(_stage_seed(seed, stage)) for seed in seeds]


def _stage_seed(seed: int, stage: int) -> int:
    if stage == 0:
        return seed
    return int.from_bytes(hashlib.sha256(f"{seed}|{stage}".encode()).digest()[:8], "big") >> 1


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
