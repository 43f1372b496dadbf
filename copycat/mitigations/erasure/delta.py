"""Changed weights on disk: what an eraser trained, and a card that says how."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from safetensors.torch import load_file, save

from copycat.errors import BadFile, first_fault, first_line
from copycat.io.atomic import write_bytes, write_text
from copycat.io.documents import read_text
from copycat.records import Row

WEIGHTS, CARD = "delta.safetensors", "erasure.json"


class ErasureCard(Row):
    """How weights were changed."""

    method: str
    """Name and version of the eraser."""
    options: dict[str, Any]
    """Its options, and what it was to erase and to keep."""
    base: str
    """Identity of the weights that were changed."""
    identity: str
    """Of the change: the same method, options and base."""
    seconds: float
    """That the erasing took."""
    trained: int
    """Numbers in the weights that were changed."""
    losses: dict[str, tuple[float, ...]]
    """By name, over the iterations; empty for closed forms."""


def write_delta(folder: Path, weights: Mapping[str, torch.Tensor], card: ErasureCard) -> None:
    """Write `weights`, by the part of the pipeline and the parameter ("unet.…"), and `card` to `folder`."""
    kept = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    write_bytes(folder / WEIGHTS, save(kept))
    write_text(folder / CARD, card.model_dump_json(indent=2) + "\n")


def read_card(folder: Path) -> ErasureCard:
    """The card in `folder`. Raises BadFile where there is none that can be read."""
    try:
        return ErasureCard.model_validate_json(read_text(folder / CARD))
    except OSError as e:
        raise BadFile(f"{folder} holds no erasure: {CARD} cannot be read ({e.strerror or e}).") from e
    except ValidationError as e:
        raise BadFile(f"{folder / CARD} is not the card of an erasure ({first_fault(e)}).") from e


def read_delta(folder: Path, identity: str) -> dict[str, torch.Tensor]:
    """The weights in `folder`. Raises BadFile for a delta of another identity than `identity`, made for other
    weights, options or an earlier version of the method."""
    card = read_card(folder)
    if card.identity != identity:
        raise BadFile(
            f"{folder} holds {card.method} of {card.base}, and not the erasure that is wanted here."
        )
    return read_weights(folder)


def read_weights(folder: Path) -> dict[str, torch.Tensor]:
    """The weights in `folder`, by part and name. Raises BadFile where there are none that can be read."""
    try:
        return load_file(folder / WEIGHTS)
    except Exception as e:
        raise BadFile(f"{folder / WEIGHTS} cannot be read ({first_line(e)}).") from e


def put_weights(pipeline: Any, weights: Mapping[str, torch.Tensor], folder: Path) -> None:
    """Put `weights`, which were read from `folder`, into `pipeline`, in the precision that it has. Raises
    BadFile for weights that `pipeline` does not have."""
    known = dict(parameters(pipeline))
    strange = next((n for n, w in weights.items() if n not in known or known[n].shape != w.shape), None)
    if strange:
        raise BadFile(
            f"{folder} was made for another model: {type(pipeline).__name__} has no such {strange}."
        )
    with torch.no_grad():
        for name, weight in weights.items():
            known[name].copy_(weight)


def parameters(pipeline: Any) -> dict[str, torch.nn.Parameter]:
    """All parameters of a pipeline, by part and name: "unet.mid_block.…"."""
    parts = {n: m for n, m in pipeline.components.items() if isinstance(m, torch.nn.Module)}
    return {f"{part}.{name}": p for part, module in parts.items() for name, p in module.named_parameters()}
