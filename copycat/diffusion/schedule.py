"""What noisy latents and a prediction say of the clean ones, by the scheduler of the pipeline."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from copycat.errors import UserError


def noised(scheduler: Any, latents: Tensor, noise: Tensor, timestep: Tensor) -> Tensor:
    """Clean `latents` with `noise` at `timestep` (one for all, or one a picture), as the model is trained on
    them: shape as `latents`. Some schedulers' own `add_noise` know the steps of the last call alone."""
    alpha = _alpha(scheduler, timestep, latents)
    return alpha.sqrt() * latents + (1 - alpha).sqrt() * noise


def clean(scheduler: Any, latents: Tensor, prediction: Tensor, timestep: Tensor) -> Tensor:
    """The clean latents that a `prediction` for noisy `latents` at `timestep` (one for all, or one a picture)
    says, of their shape.

    For models that predict noise it is (z_t − √(1 − ᾱ) ε) / √ᾱ; for velocities and samples what follows from
    them."""
    alpha = _alpha(scheduler, timestep, latents)
    kind = scheduler.config.prediction_type
    if kind == "epsilon":
        found = (latents - (1 - alpha).sqrt() * prediction) / alpha.sqrt()
    elif kind == "v_prediction":
        found = alpha.sqrt() * latents - (1 - alpha).sqrt() * prediction
    elif kind == "sample":
        found = prediction
    else:
        raise _unknown(kind)
    result: Tensor = found
    return result


def prediction_target(scheduler: Any, latents: Tensor, noise: Tensor, timestep: Tensor) -> Tensor:
    """What the model is trained to predict where clean `latents` were noised with `noise` at `timestep`, of
    their shape: the noise, √ᾱ ε − √(1 − ᾱ) z for velocities, or the latents themselves."""
    kind = scheduler.config.prediction_type
    if kind == "epsilon":
        return noise
    if kind == "sample":
        return latents
    if kind == "v_prediction":
        alpha = _alpha(scheduler, timestep, latents)
        return alpha.sqrt() * noise - (1 - alpha).sqrt() * latents
    raise _unknown(kind)


def log_likelihood_ratio(
    scheduler: Any,
    latents: Tensor,
    timestep: Tensor,
    later: tuple[Tensor, Tensor],
    guesses: tuple[Tensor, Tensor],
) -> Tensor:
    """How much better the first than the second of two `guesses` at the clean latents foretells a step.

    The step is from noisy `latents` at `timestep` to those of `later`, which are less noisy, with their time.
    Each guess x₀ says that they are Gaussian (Ho et al. 2020, equations 6 and 7) with the mean
    √ᾱ_s β / (1 − ᾱ_t) x₀ + √α (1 − ᾱ_s) / (1 − ᾱ_t) z_t and the variance β (1 − ᾱ_s) / (1 − ᾱ_t), where
    α = ᾱ_t / ᾱ_s and β = 1 − α. Returns log q(z_s | z_t, first) − log q(z_s | z_t, second), shape (rows,).
    """
    after, time = later
    alpha_t, alpha_s = (_alpha(scheduler, t, latents.float()) for t in (timestep, time))
    alpha = alpha_t / alpha_s
    onto = alpha_s.sqrt() * (1 - alpha) / (1 - alpha_t)
    stays = alpha.sqrt() * (1 - alpha_s) / (1 - alpha_t) * latents.float()
    variance = ((1 - alpha) * (1 - alpha_s) / (1 - alpha_t)).flatten()
    first, second = ((after.float() - stays - onto * g.float()).flatten(1).square().sum(1) for g in guesses)
    found: Tensor = (second - first) / (2 * variance)
    return found


def timesteps(scheduler: Any) -> int:
    """How many steps the model was trained with; 0 for a scheduler of flow matching, whose noise levels are
    others."""
    return len(getattr(scheduler, "alphas_cumprod", ()))


def _alpha(scheduler: Any, timestep: Tensor, like: Tensor) -> Tensor:
    found: Tensor = scheduler.alphas_cumprod[timestep.flatten().long().cpu()]
    return found.to(like).reshape(-1, *[1] * (like.dim() - 1))


def _unknown(kind: object) -> UserError:
    return UserError(f"A model that predicts {kind} is not known here.")


def random_timestep(scheduler: Any, value: float) -> Tensor:
    """One of the steps that the model was trained with, for a `value` in [0, 1): 0 has the least noise."""
    return torch.tensor(int(value * timesteps(scheduler)))
