"""Closed forms, losses and update rules against hand computations."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from copycat.diffusion.schedule import clean, noised
from copycat.mitigations.erasure.closed_form import Strength, adversarial, transfer
from copycat.mitigations.erasure.discriminator import discriminator, logit_error
from copycat.mitigations.erasure.surgery import without_conflict


def _random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_uce_is_the_minimum_of_its_objective() -> None:
    w0, c, g, p = _random(5, 4), _random(3, 4, seed=1), _random(3, 4, seed=2), _random(6, 4, seed=3)
    strength = Strength(0.5, 2.0, 0.7)
    w = (w0 @ transfer(c, g, p, strength)).requires_grad_(True)
    erased = 2.0 * (w @ c.T - w0 @ g.T).square().sum()
    kept = 0.7 * (w @ p.T - w0 @ p.T).square().sum() + 0.5 * (w - w0).square().sum()
    (gradient,) = torch.autograd.grad(erased + kept, w)
    assert gradient.abs().max() < 1e-9


def test_uce_by_hand_for_one_number() -> None:
    one = torch.ones(1, 1)
    # W = (λ w + a w g c) / (λ + a c²) with w = 1, c = 2, g = 0.5, λ = 0.5, a = 1: (0.5 + 1) / 4.5.
    found = transfer(2 * one, 0.5 * one, torch.zeros(0, 1), Strength(0.5))
    assert found.item() == pytest.approx(1.5 / 4.5)


def test_rece_finds_the_input_that_comes_closest() -> None:
    layers, t = [_random(5, 4), _random(5, 4, seed=1)], _random(4, 4, seed=2)
    c = _random(1, 4, seed=3)
    gram = torch.stack([w.T @ w for w in layers]).sum(0)
    x = adversarial(c, t, gram, 0.1).requires_grad_(True)
    apart = torch.stack([(x @ (w @ t).T - c @ w.T).square().sum() for w in layers]).sum()
    (gradient,) = torch.autograd.grad(apart + 0.1 * x.square().sum(), x)
    assert gradient.abs().max() < 1e-9


def test_surgery() -> None:
    erase, keep = torch.tensor([3.0, -4.0]), torch.tensor([0.0, 2.0])
    assert torch.equal(without_conflict(erase, -keep, "projection"), erase)  # no conflict
    assert torch.equal(without_conflict(erase, keep, "none"), erase)
    projected = without_conflict(erase, keep, "projection")
    assert (projected @ keep).item() == pytest.approx(0, abs=1e-6)
    assert projected.tolist() == [3.0, 0.0]
    # The authors' code: a − λ cos(a, b) b̂, with cos = −0.8 here.
    assert without_conflict(erase, keep, "paper_code").tolist() == pytest.approx([3.0, -3.2])
    # Of a gradient shorter than 1 it takes more than there is along b.
    short = without_conflict(erase / 10, keep, "paper_code")
    assert (short @ keep).item() > 0


@pytest.mark.parametrize(("side", "halvings", "map_side"), [(64, 4, 3), (32, 3, 3), (8, 1, 3), (4, 1, 3)])
def test_the_discriminator_is_as_deep_as_the_latents_allow(side: int, halvings: int, map_side: int) -> None:
    made = discriminator(4, side)
    strided = [m for m in made if isinstance(m, nn.Conv2d) and m.stride == (2, 2)]
    assert len(strided) == halvings
    assert made(torch.zeros(2, 4, side, side)).shape == (2, 1, map_side, map_side)


def test_logit_error_by_hand() -> None:
    assert logit_error(torch.zeros(1, 1, 2, 2), 1.0).item() == pytest.approx(0.693147, abs=1e-5)
    assert logit_error(torch.full((1, 1, 1, 1), 3.0), 1.0).item() == pytest.approx(0.048587, abs=1e-5)


@pytest.mark.parametrize("kind", ["epsilon", "v_prediction", "sample"])
def test_clean_latents_come_back_from_a_perfect_prediction(kind: str) -> None:
    from diffusers import DDPMScheduler

    scheduler = DDPMScheduler(num_train_timesteps=100, prediction_type=kind)
    z, noise = _random(1, 2, 3, 3).float(), _random(1, 2, 3, 3, seed=1).float()
    time = torch.tensor(70)
    alpha = scheduler.alphas_cumprod[70]
    velocity = alpha.sqrt() * noise - (1 - alpha).sqrt() * z
    perfect = {"epsilon": noise, "v_prediction": velocity, "sample": z}[kind]
    found = clean(scheduler, noised(scheduler, z, noise, time), perfect, time)
    assert torch.allclose(found, z, atol=1e-5)
    assert torch.allclose(
        noised(scheduler, z, noise, time), scheduler.add_noise(z, noise, time[None]), atol=1e-6
    )


def test_each_picture_can_have_a_step_of_its_own() -> None:
    from diffusers import DDPMScheduler

    scheduler = DDPMScheduler(num_train_timesteps=100)
    z, noise = _random(2, 2, 3, 3).float(), _random(2, 2, 3, 3, seed=1).float()
    times = torch.tensor([10, 70])
    found = noised(scheduler, z, noise, times)
    assert torch.allclose(found, scheduler.add_noise(z, noise, times), atol=1e-6)
    assert torch.allclose(clean(scheduler, found, noise, times), z, atol=1e-5)
    assert torch.equal(found[1:], noised(scheduler, z[1:], noise[1:], times[1]))
