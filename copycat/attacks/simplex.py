"""Choosing words by gradients: rows of probabilities over a vocabulary, and words drawn from them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def projected(rows: Tensor) -> Tensor:
    """The nearest rows of probabilities: not negative, and summing to one each.

    The Euclidean projection onto the simplex is max(x − θ, 0), with the θ for which the sum is one; it
    follows from the k largest entries, those that stay positive (Duchi et al. 2008, figure 1). Shape
    (rows, n), as `rows`.
    """
    falling = rows.sort(dim=1, descending=True).values
    count = torch.arange(1, rows.shape[1] + 1, device=rows.device, dtype=rows.dtype)
    threshold = (falling.cumsum(1) - 1) / count
    last = (falling > threshold).sum(1, keepdim=True) - 1
    return (rows - threshold.gather(1, last)).clamp(min=0)


class _Drawn(torch.autograd.Function):
    """One-hot rows in the forward pass, and in the backward pass the gradient as it comes, clipped to
    [−1, 1]: straight through."""

    @staticmethod
    def forward(_: Any, rows: Tensor, chosen: Tensor) -> Tensor:
        return torch.zeros_like(rows).scatter_(1, chosen, 1.0)

    @staticmethod
    def backward(_: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient.clamp(-1, 1), None


def drawn(rows: Tensor, chance: torch.Generator) -> Tensor:
    """A one-hot row for each row of probabilities, drawn by them with `chance`, a generator on the CPU; of
    the shape of `rows`. Gradients reach `rows` straight through the draw."""
    chosen = torch.multinomial(rows.detach().float().cpu(), 1, generator=chance)
    found: Tensor = _Drawn.apply(rows, chosen.to(rows.device))  # type: ignore[no-untyped-call]  # torch's
    return found
