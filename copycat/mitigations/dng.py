"""Dynamic negative guidance (Koulischer et al. 2025): a negative prompt that is as strong as it is
likely, by the path so far, that the picture becomes what it names."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from pydantic import Field

from copycat.cards.hooks import DenoiseStep
from copycat.errors import UserError
from copycat.mitigations.base import Mitigation, Options, RunContext
from copycat.mitigations.steps import Guided
from copycat.records import Request
from copycat.subjects.characters import Registry

if TYPE_CHECKING:
    from torch import Tensor


class DNGOptions(Options):
    """The defaults were chosen on the menagerie, not taken from the paper."""

    prior: float = Field(default=0.1, gt=0, lt=1)
    """How likely a picture is the character's before its first step."""
    temperature: float = Field(default=1.0, gt=0)
    """What the logarithms of likelihood ratios are divided by. At 1 the posterior is that of the diffusion
    model's own Gaussian steps, which soon comes to 0 or 1; at more it changes more slowly."""
    most: float = Field(default=10.0, gt=0)
    """The largest strength. At 1 the whole of what the name adds is taken away; more goes to the other
    side."""


@dataclass(frozen=True)
class Path:
    """A batch of pictures after one step."""

    log_odds: Tensor
    """Of each being the character's, against not: (pictures,)."""
    latents: Tensor
    """Noisy, as they were in that step: (pictures, …)."""
    time: Tensor
    guesses: tuple[Tensor, Tensor]
    """At the clean latents, by the prediction under the name and by that for the empty prompt."""


class DNG(Mitigation[DNGOptions]):
    """Takes λ times what the character's name adds to the prediction without a prompt away from that with it.

    λ = p / (1 - p), where p is the probability that the picture is the character's: then the score of what is
    not the character is ∇log x - λ (∇log x|c - ∇log x). p follows Bayes' rule along the path, by how much
    better the name than the empty prompt foretold each step.
    """

    name = "dng"
    needs_guidance = True
    options = DNGOptions

    def __init__(self, config: DNGOptions, registry: Registry | None = None) -> None:
        super().__init__(config)
        self._registry = registry

    def bind(self, context: RunContext) -> Self:
        return type(self)(self.config, context.registry)

    def texts(self, request: Request) -> tuple[str, ...]:
        if self._registry is None:
            raise RuntimeError(f"{self.name} must be bound to a run first")
        return (self._registry[request.character].name,)

    def denoise(self, step: DenoiseStep) -> Tensor:
        import torch

        from copycat.diffusion.schedule import clean, timesteps

        guided = Guided.of(step, self.name)
        if not timesteps(step.scheduler):
            raise UserError(
                f"{self.name} needs a model that is trained on steps of noise, and flow-matching models are "
                "not; use sld or a mitigation that acts on the prompt."
            )
        predicted = step.predict()
        empty, prompted = predicted.chunk(2)
        named = guided.with_texts([self.texts(r)[0] for r in step.requests[guided.pictures :]])
        latents, time = step.latents[guided.pictures :], torch.as_tensor(step.timestep).flatten()[0]
        channels = latents.shape[1]
        log_odds = self._log_odds(step, latents, time)
        guesses = tuple(clean(step.scheduler, latents, e[:, :channels], time) for e in (named, empty))
        step.memory["path"] = Path(log_odds, latents, time, (guesses[0], guesses[1]))
        # p / (1 - p) is the odds themselves.
        strength = log_odds.clamp(max=math.log(self.config.most)).exp().to(prompted)
        away = strength.reshape(-1, *[1] * (prompted.dim() - 1)) * (named - empty)
        return torch.cat([empty, prompted - away])

    def _log_odds(self, step: DenoiseStep, latents: Tensor, time: Tensor) -> Tensor:
        """What Bayes' rule makes of the step that led here."""
        import torch

        from copycat.diffusion.schedule import log_likelihood_ratio

        prior = math.log(self.config.prior) - math.log1p(-self.config.prior)
        path: Path | None = step.memory.get("path")
        if path is None:
            return torch.full((len(latents),), prior, device=latents.device)
        if time >= path.time:
            return path.log_odds  # the sampler asks again, or has begun its next round
        ratio = log_likelihood_ratio(step.scheduler, path.latents, path.time, (latents, time), path.guesses)
        return path.log_odds + ratio / self.config.temperature
