"""Adapters beside the layers of a denoiser that open for some texts and not for others."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from copycat.errors import UserError
from copycat.mitigations.erasure.layers import cross_attention

_PART = "permeable"
"""What the adapter of a layer and the gate of a block are called among their parts."""


class Adapter(nn.Module):
    """Beside one linear layer: for each concept a matrix of rank one, up · down.

    `gates` say how far each concept's is open: shape (concepts,), or (rows, concepts)."""

    def __init__(self, down: Tensor, up: Tensor) -> None:
        """`down`, (concepts, in), and `up`, (concepts, out)."""
        super().__init__()
        self.down, self.up = nn.Parameter(down), nn.Parameter(up)
        self.gates = torch.ones(len(down))

    def forward(self, x: Tensor) -> Tensor:
        """What is added to the layer's output for `x`, shape (rows, …, in)."""
        gates = self.gates.to(x)
        if gates.dim() == 2:
            gates = gates.reshape(len(gates), *[1] * (x.dim() - 2), -1)
        found: Tensor = (x @ self.down.T * gates) @ self.up
        return found


class Gate(nn.Module):
    """How much a text is about each concept, by what a block is given for it."""

    concepts: Tensor
    empty: Tensor

    def __init__(self, concepts: Tensor, empty: Tensor) -> None:
        """`concepts`, (concepts, width), and `empty`, (width,), are means of the rows that the block is given
        for the names and for the empty prompt."""
        super().__init__()
        self.register_buffer("concepts", concepts)
        self.register_buffer("empty", empty)

    def forward(self, text: Tensor) -> Tensor:
        """For `text`, (rows, tokens, width), the cosine between that in which it differs from the empty
        prompt and that in which each concept's name does; 0 where it is negative. Shape (rows, concepts)."""
        empty = self.empty.float()
        apart = text.float().mean(dim=1) - empty
        same = apart.norm(dim=1, keepdim=True) <= 1e-3 * empty.norm()  # the empty prompt, but for rounding
        named = nn.functional.normalize(self.concepts.float() - empty, dim=1)
        cosines = nn.functional.normalize(apart, dim=1) @ named.T
        found: Tensor = cosines.clamp(min=0).masked_fill(same, 0)
        return found


def layers(denoiser: nn.Module) -> dict[str, nn.Linear]:
    """The linear layers of the blocks that look at text, by name."""
    return {
        f"{block}.{name}" if block else name: layer
        for block, module in blocks(denoiser).items()
        for name, layer in module.named_modules()
        if isinstance(layer, nn.Linear)
    }


def blocks(denoiser: nn.Module) -> dict[str, nn.Module]:
    """The blocks that look at text, by name."""
    names = [name.rpartition(".")[0] for name in cross_attention(denoiser)]
    return {name: denoiser.get_submodule(name) for name in names}


def attach(denoiser: nn.Module, adapters: Mapping[str, Adapter]) -> None:
    """Have the layers of these names give what their adapters add as well."""
    for name, adapter in adapters.items():
        layer = denoiser.get_submodule(name)
        setattr(layer, _PART, adapter.to(next(layer.parameters())))
        layer.register_forward_hook(_added)


def guard(denoiser: nn.Module, gates: Mapping[str, Gate]) -> None:
    """Have the adapters in the blocks of these names open as far as their gate says of the text that the
    block is given."""
    for name, gate in gates.items():
        block = denoiser.get_submodule(name)
        setattr(block, _PART, gate.to(next(block.parameters()).device))
        block.register_forward_pre_hook(_set_gates, with_kwargs=True)


# The hooks are functions of the module that they are called for, so that copies of a denoiser have their own.


def _added(layer: Any, given: tuple[Tensor, ...], output: Tensor) -> Tensor:
    adapter: Adapter = getattr(layer, _PART)
    added: Tensor = adapter(given[0])
    return output + added


def _set_gates(block: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    given = inspect.signature(type(block).forward).bind(block, *args, **kwargs).arguments
    opened = getattr(block, _PART)(given["encoder_hidden_states"])
    for layer in block.modules():
        if isinstance(layer, Adapter):
            layer.gates = opened


def to_weights(adapters: Mapping[str, Adapter], gates: Mapping[str, Gate]) -> dict[str, Tensor]:
    """All numbers of adapters and gates, by the names that they have in a denoiser."""
    found = {f"{name}.{_PART}.{n}": t for name, a in adapters.items() for n, t in a.named_parameters()}
    return found | {f"{name}.{_PART}.{n}": t for name, g in gates.items() for n, t in g.named_buffers()}


def from_weights(denoiser: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Attach what :func:`to_weights` gave. Raises UserError, with nothing changed, for adapters of a denoiser
    of another shape."""
    parts: dict[str, dict[str, Tensor]] = {}
    for name, tensor in weights.items():
        where, _, which = name.rpartition(f".{_PART}.")
        parts.setdefault(where, {})[which] = tensor
    known = layers(denoiser)
    adapters = {name: Adapter(p["down"], p["up"]) for name, p in parts.items() if "down" in p}
    gates = {name: Gate(p["concepts"], p["empty"]) for name, p in parts.items() if "concepts" in p}
    for name, adapter in adapters.items():
        layer = known.get(name)
        if layer is None or (layer.in_features, layer.out_features) != (
            adapter.down.shape[1],
            adapter.up.shape[1],
        ):
            raise UserError(
                f"These adapters were made for a model of another shape: {type(denoiser).__name__} has no "
                f"such layer {name}."
            )
    attach(denoiser, adapters)
    guard(denoiser, gates)


def merge(denoiser: nn.Module, adapters: Mapping[str, Adapter]) -> dict[str, nn.Parameter]:
    """Write what adapters add, all open, into the weights of their layers; returns these by name."""
    changed = {}
    with torch.no_grad():
        for name, adapter in adapters.items():
            weight = denoiser.get_parameter(f"{name}.weight")
            weight.add_((adapter.up.T @ adapter.down).to(weight))
            changed[f"{name}.weight"] = weight
    return changed
