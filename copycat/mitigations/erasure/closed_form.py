"""Changing keys and values of cross-attention in closed form (UCE, Gandikota et al. 2024, equation 7).

For a layer W₀ the new weights minimise Σ ‖W c − W₀ g‖² over concepts c with what they become, g, plus what
keeps preserved inputs and the weights themselves:

    W = (λ W₀ + a Σ W₀ g cᵀ + p Σ W₀ c_p c_pᵀ) (λ I + a Σ c cᵀ + p Σ c_p c_pᵀ)⁻¹ = W₀ T

T is the same for all layers that are given the same text, so it is solved once for all of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Strength:
    """λ, a and p of the equation."""

    ridge: float
    """λ: how much the weights are kept as they are."""
    erase: float = 1.0
    """a: how much each concept counts."""
    preserve: float = 1.0
    """p: how much each preserved input counts."""


def transfer(concepts: Tensor, guides: Tensor, preserved: Tensor, strength: Strength) -> Tensor:
    """T for W = W₀ T, float64 (width, width).

    `concepts` and `guides` are (n, width), one guide a concept; `preserved` is (m, width).
    """
    c, g, p = concepts.double(), guides.double(), preserved.double()
    eye = torch.eye(c.shape[1], dtype=torch.float64)
    inner = strength.ridge * eye + strength.erase * c.T @ c + strength.preserve * p.T @ p
    change = strength.erase * (g - c).T @ c
    found: Tensor = eye + torch.linalg.solve(inner, change.T).T
    return found


def adversarial(concepts: Tensor, now: Tensor, gram: Tensor, ridge: float) -> Tensor:
    """RECE's closest inputs to erased concepts, (n, width) float64 (Gong et al. 2024, equation 9).

    What, given to the changed layers, comes closest to what `concepts` gave to the original ones: c' = (ε I +
    Σ Wᵀ W)⁻¹ (Σ Wᵀ W₀) c, the sums over layers. With W = W₀ T (`now`) and G = Σ W₀ᵀ W₀ (`gram`) that is (ε I
    + Tᵀ G T)⁻¹ Tᵀ G c."""
    t, g, c = now.double(), gram.double(), concepts.double()
    inner = ridge * torch.eye(len(t), dtype=torch.float64) + t.T @ g @ t
    found: Tensor = torch.linalg.solve(inner, t.T @ g @ c.T).T
    return found
