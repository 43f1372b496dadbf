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
from copycat.mitigations.erasure.paths import TOGETHER
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
        each = -(-self._options.pictures // len(prompts))
        asked = [prompt for prompt in prompts for _ in range(each)]
        found = []
        progress.start("draw anchors", len(asked))
        for start in range(0, len(asked), TOGETHER):
            some = asked[start : start + TOGETHER]
            first = self._options.seed * len(asked) + start
            noise = [torch.Generator("cpu").manual_seed(first + i) for i in range(len(some))]
            found.append(self._lesson.tap.latents(some, noise))
            progress.advance(len(some))
        progress.done()
        return dict(zip(prompts, torch.cat(found).split(each), strict=True))

    def step(self, iteration: int) -> dict[str, float]:
        """One iteration; returns its losses."""
        chance = self._lesson.draw(iteration)
        pairs = [chance.choice(self._pairs) for _ in range(self._options.batch)]
        targets, anchors = [target for target, _ in pairs], [anchor for _, anchor in pairs]
        at = self._noisy(self._latents, anchors, chance)
        with torch.no_grad():
            wanted = self._clean(at, predict(self._lesson.teacher, at.of(self._lesson.say(anchors))))
        found = self._clean(at, predict(self._lesson.student, at.of(self._lesson.say(targets))))
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
        o = self._options
        fooling = logit_error(self._judge(found), 0.0)
        gradients = _clipped(torch.autograd.grad(fooling, self._trained))
        told = {"erase": fooling.item()}
        if o.surgery != "none":
            error = self._preserving_error(chance)
            kept = _clipped(torch.autograd.grad(error, self._trained))
            pairs = zip(gradients, kept, strict=True)
            gradients = [without_conflict(a, b, o.surgery, o.surgery_strength) for a, b in pairs]
            told["keep"] = error.item()
        for p, gradient in zip(self._trained, gradients, strict=True):
            p.grad = gradient
        self._optimiser.step()
        return told

    def _preserving_error(self, chance: random.Random) -> Tensor:
        prompts = [chance.choice(list(self._prior)) for _ in range(self._options.batch)]
        at = self._noisy(self._prior, prompts, chance).of(self._lesson.say(prompts))
        with torch.no_grad():
            kept = predict(self._lesson.teacher, at)
        return squared_error(predict(self._lesson.student, at), kept)

    def _noisy(self, drawn: dict[str, Tensor], prompts: Sequence[str], chance: random.Random) -> Call:
        """A picture of each of `prompts`, with noise of a step of its own."""
        picked = torch.stack([drawn[p][chance.randrange(len(drawn[p]))] for p in prompts])
        times = [random_timestep(self._scheduler, chance.random()) for _ in prompts]
        time = torch.stack(times).to(picked.device)
        source = torch.Generator("cpu").manual_seed(chance.randrange(2**31))
        noise = torch.randn(picked.shape, generator=source).to(picked)
        return Call(noised(self._scheduler, picked, noise, time), time, {})

    def _clean(self, at: Call, prediction: Tensor) -> Tensor:
        return clean(self._scheduler, at.latents, prediction, at.timestep).float()


def _clipped(gradients: Sequence[Tensor]) -> list[Tensor]:
    """Cut to norm 1 over all of them together."""
    total = nn.utils.get_total_norm(gradients)
    scale = (_CLIP / total.clamp(min=1e-12)).clamp(max=1.0)
    return [g * scale for g in gradients]
