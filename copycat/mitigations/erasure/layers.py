"""The layers of a denoiser that text goes into, and groups of its parameters."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn

from copycat.diffusion.tap import Call, Tap, predict
from copycat.errors import UserError

INSTEAD = "use esd[group=u], esd[group=all] or advunlearn"
"""What to do where a model cannot be taken by a method that needs cross-attention or a noise schedule."""
_CROSS = "attn2"
"""What diffusers calls the attention to text in UNets and in transformers that keep text apart."""
_PROJECTIONS = ("to_k", "to_v")


def cross_attention(denoiser: nn.Module) -> dict[str, nn.Module]:
    """The attention layers that look at text, by name; empty for a model that mixes text and picture."""
    return {n: m for n, m in denoiser.named_modules() if n.rpartition(".")[2] == _CROSS}


def text_projections(denoiser: nn.Module) -> dict[str, nn.Linear]:
    """The keys and values of all cross-attention, by name: linear layers."""
    found = {
        f"{name}.{which}": getattr(layer, which)
        for name, layer in cross_attention(denoiser).items()
        for which in _PROJECTIONS
    }
    return {name: layer for name, layer in found.items() if isinstance(layer, nn.Linear)}


def parameter_group(denoiser: nn.Module, group: str) -> dict[str, nn.Parameter]:
    """The parameters of one of ESD's groups, by name (Gandikota et al. 2023, section 4.2).

    `x`: all of cross-attention; `x-strict`: its keys and values; `u`: all but cross-attention; `all`.
    Raises UserError where a model without cross-attention is asked for a part of it.
    """
    inside = {
        f"{name}.{p}": parameter
        for name, layer in cross_attention(denoiser).items()
        for p, parameter in layer.named_parameters()
    }
    if group in {"x", "x-strict"} and not inside:
        raise UserError(
            f"{type(denoiser).__name__} has no cross-attention of its own (text and picture share their "
            f"attention), so that part of it cannot be trained alone; {INSTEAD}."
        )
    everything = dict(denoiser.named_parameters())
    groups = {
        "x": inside,
        "x-strict": {
            n: p for n, p in inside.items() if n.rpartition(".")[0].rpartition(".")[2] in _PROJECTIONS
        },
        "u": {n: p for n, p in everything.items() if n not in inside},
        "all": everything,
    }
    return groups[group]


def text_inputs(tap: Tap, prompts: list[str], method: str) -> dict[str, Tensor]:
    """What the keys and values of each layer are given for `prompts`, by layer: (prompts, tokens, width),
    float32.

    Layers that are given the same have the same tensor. Raises UserError for a model in which that depends on
    the picture, so that `method` has no closed form there.
    """
    layers = text_projections(tap.denoiser)
    if not layers:
        raise _unfit(tap, method)
    call = tap.arguments(prompts)
    found = _inputs(tap.denoiser, layers, call)
    other = _inputs(tap.denoiser, layers, Call(call.latents + 1, call.timestep, call.arguments))
    if any(not torch.equal(found[name], other[name]) for name in layers):
        raise _unfit(tap, method)
    return found


def _unfit(tap: Tap, method: str) -> UserError:
    return UserError(
        f"{type(tap.denoiser).__name__} has no layers that see the text alone, so {method} has no closed "
        f"form there; {INSTEAD}."
    )


def _inputs(denoiser: nn.Module, layers: Mapping[str, nn.Linear], call: Call) -> dict[str, Tensor]:
    seen: dict[str, Tensor] = {}
    same: dict[tuple[int, tuple[int, ...]], Tensor] = {}
    held: list[Any] = []

    def keep(name: str, given: tuple[Tensor, ...]) -> None:
        held.append(given[0])  # so that no other tensor takes its place in memory
        key = (given[0].data_ptr(), tuple(given[0].shape))
        if key not in same:
            same[key] = given[0].detach().float().cpu()
        seen[name] = same[key]

    with ExitStack() as hooks, torch.no_grad():
        for name, layer in layers.items():
            handle = layer.register_forward_pre_hook(lambda _, given, name=name: keep(name, given))
            hooks.callback(handle.remove)
        predict(denoiser, call)
    return seen
