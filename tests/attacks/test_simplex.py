"""Rows of probabilities: the projection against closed forms, the draw against autograd on a toy."""

from __future__ import annotations

import pytest
import torch

from copycat.attacks.simplex import drawn, projected


def test_of_two_numbers_the_projection_has_a_closed_form() -> None:
    # On the line x + y = 1 the nearest point is ((1 + a − b) / 2, (1 − a + b) / 2), cut off at its ends.
    pairs = torch.tensor([[0.3, 0.4], [2.0, 0.5], [-1.0, -1.2], [0.0, 5.0], [0.5, 0.5]], dtype=torch.float64)
    a, b = pairs.T
    first = ((1 + a - b) / 2).clamp(0, 1)
    assert torch.allclose(projected(pairs), torch.stack([first, 1 - first], 1))


def _bisected(row: torch.Tensor) -> torch.Tensor:
    """The θ for which Σ max(x − θ, 0) is one, halved until it is found."""
    low, high = row.min() - 1, row.max()
    for _ in range(200):
        middle = (low + high) / 2
        if (row - middle).clamp(min=0).sum() > 1:
            low = middle
        else:
            high = middle
    return (row - high).clamp(min=0)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 50.0])
def test_of_many_it_is_what_bisection_finds(scale: float) -> None:
    rows = scale * torch.randn(6, 300, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = projected(rows)
    assert torch.allclose(found, torch.stack([_bisected(r) for r in rows]), atol=1e-9)
    assert torch.allclose(found.sum(1), torch.ones(6, dtype=torch.float64))
    assert (found >= 0).all()
    assert torch.allclose(projected(found), found), "what is on the simplex stays"


def test_rows_are_drawn_by_their_probabilities() -> None:
    rows = torch.tensor([[0.1, 0.9], [1.0, 0.0]]).repeat(2000, 1)
    found = drawn(rows, torch.Generator().manual_seed(0))
    assert set(found.unique().tolist()) == {0.0, 1.0}
    assert torch.equal(found.sum(1), torch.ones(4000))
    assert abs(found[0::2, 1].mean().item() - 0.9) < 0.03
    assert found[1::2, 0].all()
    again = drawn(rows, torch.Generator().manual_seed(0))
    assert torch.equal(found, again)


@pytest.mark.parametrize("slope", [0.1, 3.0])
def test_gradients_go_straight_through_the_draw_and_are_clipped(slope: float) -> None:
    rows = torch.tensor([[0.7, 0.3]], requires_grad=True)
    weights = slope * torch.tensor([0.4, -0.9])
    hard = drawn(rows, torch.Generator().manual_seed(1))
    ((hard @ weights) ** 2).sum().backward()
    # By autograd, of the same loss in the one-hot row itself.
    free = hard.detach().requires_grad_(True)
    ((free @ weights) ** 2).sum().backward()
    assert rows.grad is not None
    assert free.grad is not None
    assert torch.allclose(rows.grad, free.grad.clamp(-1, 1))
    assert (free.grad.abs().max() > 1) == (slope > 1), "one case is clipped, one is not"
