"""Putting a card's shortcuts into a pipeline: step caches, weights kept in eight bits, slices and tiles."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any

import torch
from diffusers import hooks

from copycat.cards.models import ModelCard
from copycat.cards.shortcuts import Decoding
from copycat.diffusion.denoising import DENOISERS
from copycat.errors import BadFile, first_line

_CONFIGS = {
    "first-block": "FirstBlockCacheConfig",
    "pyramid": "PyramidAttentionBroadcastConfig",
    "faster": "FasterCacheConfig",
    "taylor-seer": "TaylorSeerCacheConfig",
}
"""The settings of each step cache, a class of diffusers.hooks."""
_TIME = "current_timestep_callback"


def take_shortcuts(pipeline: Any, card: ModelCard, device: str) -> None:
    """Have `pipeline` draw as `card` says, before it is compiled and placed on `device`.

    Raises BadFile for what the pipeline cannot do.
    """
    if card.storage:
        for denoiser in _denoisers(pipeline):
            denoiser.enable_layerwise_casting(
                storage_dtype=getattr(torch, card.storage), compute_dtype=denoiser.dtype
            )
    if card.step_cache:
        _cache_steps(pipeline, card)
    _arrange_decoding(pipeline, card, device)


def forget_steps(pipeline: Any) -> None:
    """Empty the step cache of `pipeline`, also where a batch before was broken off; nothing without one."""
    for denoiser in _denoisers(pipeline):
        if getattr(denoiser, "is_cache_enabled", False):
            denoiser._reset_stateful_cache()


def _denoisers(pipeline: Any) -> list[Any]:
    return [part for name in DENOISERS if (part := getattr(pipeline, name, None)) is not None]


def _cache_steps(pipeline: Any, card: ModelCard) -> None:
    cache = card.step_cache
    if cache is None:
        return
    kind = getattr(hooks, _CONFIGS[cache.kind])
    options: dict[str, Any] = {k: _as_told(v) for k, v in cache.options.items()}
    names = {f.name for f in dataclasses.fields(kind)}
    unknown = next((name for name in options if name not in names), None)
    if unknown:
        known = ", ".join(sorted(n for n in names if not n.endswith("_callback")))
        raise BadFile(
            f"The card {card.name} gives its step cache {unknown}, which {cache.kind} does not have; its "
            f"options are {known}."
        )
    if _TIME in names:
        options[_TIME] = lambda: pipeline.current_timestep
    for denoiser in _denoisers(pipeline):
        why = _why_no_cache(pipeline, denoiser, needs_time=_TIME in names)
        try:
            if not why:
                denoiser.enable_cache(kind(**options))
                continue
        except Exception as e:  # noqa: BLE001  each technique refuses models and options in its own way
            why = first_line(e)
        raise BadFile(f"The card {card.name} asks for the step cache {cache.kind}, but {why}.")


def _why_no_cache(pipeline: Any, denoiser: Any, *, needs_time: bool) -> str:
    """Why steps of this pipeline cannot be taken from earlier ones; empty where they can."""
    if not hasattr(denoiser, "enable_cache"):
        return f"{type(denoiser).__name__} has none"
    if "cache_context" not in _names(type(pipeline).__call__):
        return f"{type(pipeline).__name__} does not tell its passes with and without the prompt apart"
    if needs_time and not hasattr(type(pipeline), "current_timestep"):
        return f"{type(pipeline).__name__} does not tell its step"
    return ""


def _names(function: Any) -> set[str]:
    """The attributes that the code of `function` uses."""
    return set(inspect.unwrap(function).__code__.co_names)


def _as_told(value: Any) -> Any:
    """A list of a YAML file as the tuple that diffusers wants."""
    return tuple(value) if isinstance(value, list) else value


def _arrange_decoding(pipeline: Any, card: ModelCard, device: str) -> None:
    way = decoding(card.decoding, device)
    vae: Any = getattr(pipeline, "vae", None)
    if way == "whole" or (vae is None and (card.stages or card.decoding == "auto")):
        # A cascade has stages that draw pixels, and others that decode.
        return
    try:
        vae.enable_slicing()
        if way == "tiled":
            vae.enable_tiling()
    except (AttributeError, NotImplementedError) as e:
        if card.decoding == "auto":
            return
        what = f"{type(vae).__name__} does not decode so" if vae is not None else "it has no autoencoder"
        raise BadFile(f"The card {card.name} says decoding: {way}, but {what}; leave it out.") from e


def decoding(wanted: Decoding, device: str) -> Decoding:
    """What `wanted` means on `device`: never `auto`."""
    return wanted if wanted != "auto" else "whole" if device == "cpu" else "sliced"
