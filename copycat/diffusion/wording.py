"""Putting other words into a denoiser's arguments, row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from copycat.errors import UserError

Said = Mapping[str, Any] | None
"""What a text says to the denoiser: its arguments for one row, as the field `said` of
:class:`copycat.cards.hooks.DenoiseStep` has them. None for what the row says already."""


def worded(arguments: Mapping[str, Any], said: Sequence[Said], of: int) -> dict[str, Any]:
    """The last rows of a call's `arguments`, which has `of` rows, as many as `said` has texts, and each row
    under one of them.

    What does not hang on the text is cut to these rows and keeps its values. Raises UserError for a model
    that is given texts at their own lengths, so that one cannot stand in another's place.
    """
    return {name: _worded(name, value, said, of) for name, value in arguments.items()}


def _worded(name: str, value: Any, said: Sequence[Said], of: int) -> Any:
    import torch

    if isinstance(value, Mapping):
        return {k: _worded(k, v, [s and s[name] for s in said], of) for k, v in value.items()}
    if not isinstance(value, torch.Tensor) or value.dim() == 0 or len(value) != of:
        return value
    last = value[of - len(said) :]
    parts: list[Any] = [last[i : i + 1] if s is None else s.get(name) for i, s in enumerate(said)]
    if not all(isinstance(p, torch.Tensor) and len(p) == 1 for p in parts):
        return last
    if any(p.shape[1:] != value.shape[1:] for p in parts):
        raise UserError(
            f"This model is given texts at their own lengths ({name}), so no other text can stand in a "
            "prompt's place while a picture is drawn; use a method of the prompt or of the weights."
        )
    return torch.cat([p.to(value) for p in parts])
