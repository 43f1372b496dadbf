"""DoCo's training: a discriminator, the keys and values of cross-attention, and gradients without
conflict."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from copycat.cards.models import ModelCard
from copycat.diffusion.schedule import clean, noised, random_timestep, timesteps
from copycat.diffusion.tap import Call, predict
from copycat.errors import UserError
from copycat.mitigations.erasure.base import Work
from copycat.mitigations.erasure.discriminator import discriminator, logit_error
from copycat.mitigations.erasure.layers import INSTEAD, parameter_group
from copycat.mitigations.erasure.surgery import without_conflict
from copycat.mitigations.erasure.task import ErasureTask
from copycat.mitigations.erasure.training import Lesson, Sitting, squared_error
from copycat.runtime.progress import Progress

if TYPE_CHECKING:
    from copycat.mitigations.erasure.doco import DoCoOptions

_CLIP = 1.0
"""Both gradients of the denoiser are cut to this norm before they are compared."""


class Correction:
    """One erasure by domain correction."""

    def __init__(
        self, pipeline: Any, card: ModelCard, task: ErasureTask, options: DoCoOptions, work: Work
    ) -> None:
        self._options = options
        self._lesson = Lesson(
            pipeline, card, steps=options.steps, guidance=options.guidance, seed=options.seed
        )
        self._scheduler = pipeline.scheduler
        if not timesteps(self._scheduler):
            raise UserError(f"{card.title} is trained by flow matching, which doco does not know; {INSTEAD}.")
        self._group = parameter_group(self._lesson.student, "x-strict")
        self._pairs = [(prompt, c.anchor) for c in task.erased for prompt in c.prompts]
        anchors = list(dict.fromkeys(anchor for _, anchor in self._pairs))
        self._latents = self._draw(anchors, work.progress)
        self._prior = self._draw(list(task.preserved), work.progress) if task.preserved else self._latents
        some = next(iter(self._latents.values()))
        with torch.random.fork_rng():
            torch.manual_seed(options.seed)
            self._judge = discriminator(some.shape[1], some.shape[-1]).to(some.device)
        self._judge_optimiser = torch.optim.Adam(
            self._judge.parameters(), lr=options.discriminator_lr, betas=(0.5, 0.999)
        )
        self._trained = list(self._group.values())
        for p in self._trained:
            p.requires_grad_(True)
        self._optimiser = torch.optim.AdamW(self._trained, lr=options.lr, weight_decay=1e-2)
        more = {
            "optimiser": self._optimiser,
            "discriminator": self._judge,
            "discriminator's optimiser": self._judge_optimiser,
        }
        self.sitting = Sitting(work, self._group, more)
        """The iterations so far."""

    @property
    def weights(self) -> dict[str, Tensor]:
        """What is trained, by part and name."""
        return {f"{self._lesson.tap.name}.{n}": p for n, p in self._group.items()}

    def _draw(self, prompts: Sequence[str], progress: Progress) -> dict[str, Tensor]:
        """Clean latents that the original model draws of `prompts`, by prompt: (pictures, channels, …)."""
        o = self._options
        each = -(-o.pictures // len(prompts))
        drawn: dict[str, Tensor] = {}
        progress.start("draw anchors", len(prompts))
        for n, prompt in enumerate(prompts):
            noise = [
                torch.Generator("cpu").manual_seed((o.seed * len(prompts) + n) * each + i)
                for i in range(each)
            ]
            drawn[prompt] = self._lesson.tap.latents([prompt] * each, noise)
            progress.advance(1)
        progress.done()
        return drawn

    def step(self, iteration: int) -> dict[str, float]:
        """One iteration; returns its losses."""
        chance = self._lesson.draw(iteration)
        target, anchor = chance.choice(self._pairs)
        at = self._noisy(self._latents[anchor], chance)
        with torch.no_grad():
            wanted = self._clean(at, predict(self._lesson.teacher, at.of(self._said(anchor, at))))
        found = self._clean(at, predict(self._lesson.student, at.of(self._said(target, at))))
        told = {"discriminator": self._teach_judge(wanted, found.detach())}
        if iteration >= self._options.warmup:
            told |= self._teach(found, chance)
        return told

    def _teach_judge(self, anchors: Tensor, concepts: Tensor) -> float:
        # Cleared here, since the denoiser's own step leaves gradients in the discriminator that would cancel
        # these.
        self._judge_optimiser.zero_grad(set_to_none=True)
        error = logit_error(self._judge(anchors), 0.0) + logit_error(self._judge(concepts), 1.0)
        error.backward()
        self._judge_optimiser.step()
        return error.item()

    def _teach(self, found: Tensor, chance: random.Random) -> dict[str, float]:
        fooling = logit_error(self._judge(found), 0.0)
        erasing = torch.autograd.grad(fooling, self._trained)
        prompt = chance.choice(list(self._prior))
        latents = self._some(self._prior[prompt], chance)
        noise = self._noise(latents, chance)
        time = random_timestep(self._scheduler, chance.random()).to(latents.device)
        said = self._lesson.say(prompt)
        at = Call(noised(self._scheduler, latents, noise, time), time, said.arguments)
        with torch.no_grad():
            kept = predict(self._lesson.teacher, at.of(self._said(prompt, at)))
        preserving_error = squared_error(predict(self._lesson.student, at.of(self._said(prompt, at))), kept)
        preserving = torch.autograd.grad(preserving_error, self._trained)
        o = self._options
        pairs = zip(self._trained, _clipped(erasing), _clipped(preserving), strict=True)
        for p, a, b in pairs:
            p.grad = without_conflict(a, b, o.surgery, o.surgery_strength)
        self._optimiser.step()
        return {"erase": fooling.item(), "keep": preserving_error.item()}

    def _noisy(self, latents: Tensor, chance: random.Random) -> Call:
        some = self._some(latents, chance)
        time = random_timestep(self._scheduler, chance.random()).to(some.device)
        return Call(noised(self._scheduler, some, self._noise(some, chance), time), time, {})

    def _some(self, latents: Tensor, chance: random.Random) -> Tensor:
        picked = [chance.randrange(len(latents)) for _ in range(self._options.batch)]
        return latents[picked]

    def _noise(self, like: Tensor, chance: random.Random) -> Tensor:
        source = torch.Generator("cpu").manual_seed(chance.randrange(2**31))
        return torch.randn(like.shape, generator=source).to(like)

    def _said(self, prompt: str, at: Call) -> Call:
        """What `prompt` says, for as many pictures as there are."""
        return _repeated(self._lesson.say(prompt), len(at.latents))

    def _clean(self, at: Call, prediction: Tensor) -> Tensor:
        return clean(self._scheduler, at.latents, prediction, at.timestep).float()


def _repeated(call: Call, n: int) -> Call:
    def many(value: Any) -> Any:
        if isinstance(value, Tensor) and value.dim() > 0 and len(value) == 1:
            return value.expand(n, *value.shape[1:])
        return {k: many(v) for k, v in value.items()} if isinstance(value, dict) else value

    return Call(call.latents, call.timestep, {k: many(v) for k, v in call.arguments.items()})


def _clipped(gradients: Sequence[Tensor]) -> list[Tensor]:
    """Cut to norm 1 over all of them together."""
    total = nn.utils.get_total_norm(gradients)
    scale = (_CLIP / total.clamp(min=1e-12)).clamp(max=1.0)
    return [g * scale for g in gradients]
