"""Safe latent diffusion (Schramowski et al. 2023): steers away from a concept where the picture turns to
it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

from copycat.cards.hooks import DenoiseStep
from copycat.mitigations.base import Mitigation, Options, RunContext
from copycat.mitigations.steps import Guided
from copycat.records import Request
from copycat.subjects.characters import Registry

if TYPE_CHECKING:
    from torch import Tensor

Strength = Literal["weak", "medium", "strong", "max"]
_VALUES: dict[Strength, tuple[int, float, float, float, float]] = {
    "weak": (15, 20.0, 0.0, 0.0, 0.0),
    "medium": (10, 1000.0, 0.01, 0.3, 0.4),
    "strong": (7, 2000.0, 0.025, 0.5, 0.7),
    "max": (0, 5000.0, 1.0, 0.5, 0.7),
}
"""Steps before it acts, scale s, threshold λ (τ), momentum's scale and its decay β."""


class SLDOptions(Options):
    strength: Strength = "medium"
    """One of the four settings, with the values that diffusers has of them."""


class SLD(Mitigation[SLDOptions]):
    """Takes γ away from the prediction under the prompt: what the prediction under the character's name adds
    to that without a prompt, where the two are close to each other, with a momentum over the steps."""

    name = "sld"
    needs_guidance = True
    options = SLDOptions

    def __init__(self, config: SLDOptions, registry: Registry | None = None) -> None:
        super().__init__(config)
        self._registry = registry

    def bind(self, context: RunContext) -> Self:
        return type(self)(self.config, context.registry)

    def texts(self, request: Request) -> tuple[str, ...]:
        if self._registry is None:
            raise RuntimeError("sld must be bound to a run first")
        return (self._registry[request.character].name,)

    def denoise(self, step: DenoiseStep) -> Tensor:
        import torch

        guided = Guided.of(step, self.name)
        warmup, scale, threshold, momentum_scale, decay = _VALUES[self.config.strength]
        predicted = step.predict()
        empty, prompted = predicted.chunk(2)
        unsafe = guided.with_texts([self.texts(r)[0] for r in step.requests[guided.pictures :]])
        apart = prompted - unsafe
        weight = (scale * apart.abs()).clamp(max=1.0) * (apart < threshold)
        before = step.memory.get("momentum", torch.zeros_like(apart))
        away = weight * (unsafe - empty) + momentum_scale * before
        step.memory["momentum"] = decay * before + (1 - decay) * away
        count = step.memory["steps"] = step.memory.get("steps", 0) + 1
        return torch.cat([empty, prompted - away]) if count > warmup else predicted
