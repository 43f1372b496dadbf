"""Learning token embeddings on a guarded model from pictures of the original one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from copycat.attacks.base import Victim
from copycat.attacks.names import renamed
from copycat.cards.hooks import Conditioning
from copycat.diffusion.schedule import noised, prediction_target, random_timestep, timesteps
from copycat.diffusion.tap import Call, Tap, predict
from copycat.diffusion.tokens import (
    gradients_off,
    placeholders,
    text_encoders,
    token_embeddings,
    tokenizer_of,
)
from copycat.errors import UserError
from copycat.generators.pipelines import noise
from copycat.records import digest


class SoftSearch:
    """Free vectors in the place of a few tokens of one picture's prompt.

    Chance follows from `seed` and the picture's own noise seed alone.
    """

    def __init__(self, victim: Victim, *, tokens: int, pictures: int, lr: float, seed: int) -> None:
        """Draws the `pictures` of the original model that are learnt from. Raises UserError for a model
        without a text encoder, or without a schedule of noise levels."""
        pipeline, asked = victim.pipeline, victim.request.source_prompt
        if not timesteps(pipeline.scheduler):
            raise UserError(
                f"soft-prompt needs a model that was trained on a schedule of noise levels, and "
                f"{victim.card.title} is one of flow matching; use an attack on the prompt alone, such as "
                "typo."
            )
        self._victim, self._pipeline = victim, pipeline
        self._encoders = list(text_encoders(pipeline))
        if not self._encoders:
            raise UserError(
                f"soft-prompt learns embeddings of tokens, and {victim.card.title} has no text encoder; use "
                "an attack on the denoiser or on the weights."
            )
        self._places = placeholders(pipeline, [asked, *victim.character.spoken], tokens)
        put = " ".join(self._places)
        self.prompt = renamed(asked, victim.character, lambda _: put)
        """With the tokens in the place of the character's names, or before a prompt that has none."""
        if self.prompt == asked:
            self.prompt = f"{put} {asked}"
        self._chance = torch.Generator().manual_seed(int(digest([seed, victim.request.seed]), 16) >> 1)
        self._latents = _drawn_by_original(victim, pictures)
        self._tap = Tap(pipeline, victim.card, steps=1, guidance=victim.card.guidance_off)
        self._vectors = {e: self._first(e) for e in self._encoders}
        self._optimiser = torch.optim.Adam(self._vectors.values(), lr=lr)

    def descend(self, steps: int) -> Conditioning:
        """The vectors after `steps` more of descent."""
        with gradients_off(self._pipeline):
            for _ in range(steps):
                found = torch.autograd.grad(self._error(), list(self._vectors.values()))
                for vectors, gradient in zip(self._vectors.values(), found, strict=True):
                    vectors.grad = gradient
                self._optimiser.step()
                self._victim.step()
        return Conditioning(
            tokens={
                encoder: {place: v.detach().clone() for place, v in zip(self._places, vectors, strict=True)}
                for encoder, vectors in self._vectors.items()
            }
        )

    def _error(self) -> Tensor:
        """E ‖ε_θ(z_t, t, v) − ε‖², over the pictures, at one random noise level."""
        given = {e: dict(zip(self._places, v, strict=True)) for e, v in self._vectors.items()}
        with token_embeddings(self._pipeline, given):
            said = self._tap.arguments([self.prompt], gradients=True)
        scheduler, count = self._pipeline.scheduler, len(self._latents)
        at = random_timestep(scheduler, torch.rand(1, generator=self._chance).item())
        fresh = torch.randn(self._latents.shape, generator=self._chance).to(self._latents)
        noisy = noised(scheduler, self._latents, fresh, at).to(said.latents)
        time = torch.full_like(torch.as_tensor(said.timestep), int(at))
        found = predict(self._tap.denoiser, _repeated(Call(noisy, time, said.arguments), count))
        wanted = prediction_target(scheduler, self._latents, fresh, at)
        return nn.functional.mse_loss(found.float(), wanted.float())

    def _first(self, encoder: str) -> Tensor:
        """Where a text encoder's vectors begin: the mean of the tokens of the character's generic words, for
        each of them. Shape (tokens, width)."""
        table: Any = getattr(self._pipeline, encoder).get_input_embeddings().weight
        tokenizer = tokenizer_of(self._pipeline, encoder)
        ids = tokenizer.encode(self._victim.character.generic, add_special_tokens=False)
        mean = table[torch.tensor(ids, device=table.device)].detach().float().mean(0)
        first: Tensor = mean.repeat(len(self._places), 1).requires_grad_(True)
        return first


def _repeated(call: Call, rows: int) -> Call:
    """`call`, for one picture, with what it says for each of `rows` pictures whose latents it has."""

    def repeated(value: Any) -> Any:
        if isinstance(value, Tensor) and value.dim() > 0 and len(value) == 1:
            return value.expand(rows, *value.shape[1:])
        if isinstance(value, Mapping):
            return {name: repeated(part) for name, part in value.items()}
        return value

    return Call(call.latents, repeated(call.timestep), repeated(call.arguments))


def _drawn_by_original(victim: Victim, pictures: int) -> Tensor:
    """The clean latents of pictures that the model without guardrails draws of the prompt, with the run's own
    sampling, the first with its own noise: (pictures, channels, …)."""
    request = victim.request
    sampling = request.sampling
    tap = Tap(victim.original, victim.card, steps=sampling.steps, guidance=sampling.guidance)
    seeds = [request.seed, *(int(digest([request.seed, n]), 16) >> 1 for n in range(1, pictures))]
    return torch.cat([tap.latents([request.source_prompt], noise([seed])) for seed in seeds])
