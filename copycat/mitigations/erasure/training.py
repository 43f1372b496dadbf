"""What the erasers that train have in common: a frozen teacher, noisy latents, an optimiser, progress."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from copycat.diffusion.tap import Call, Tap, predict
from copycat.mitigations.erasure.task import ErasureTask
from copycat.runtime.progress import Progress


class Lesson:
    """One pipeline whose weights are trained, with a frozen copy of its denoiser beside it.

    Everything that is drawn at random follows from `seed` and the iteration alone.
    """

    def __init__(self, pipeline: Any, *, steps: int, guidance: float, seed: int) -> None:
        self.tap = Tap(pipeline, steps=steps, guidance=guidance)
        self.pipeline, self._seed = pipeline, seed
        for module in pipeline.components.values():
            if isinstance(module, nn.Module):
                module.requires_grad_(False).eval()
        self.teacher = copy.deepcopy(self.tap.denoiser)
        self._said: dict[str, Call] = {}

    @property
    def student(self) -> Any:
        """The denoiser in the pipeline."""
        return self.tap.denoiser

    def say(self, prompt: str) -> Call:
        """What the frozen text encoders make of `prompt`; asked once for each prompt, so only before they are
        trained."""
        if prompt not in self._said:
            self._said[prompt] = self.tap.arguments([prompt])
        return self._said[prompt]

    def draw(self, iteration: int) -> random.Random:
        """Chance of one iteration."""
        return random.Random(f"{self._seed}|{iteration}")

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """While it lasts the pipeline draws with the teacher."""
        student = self.student
        setattr(self.pipeline, self.tap.name, self.teacher)
        try:
            yield
        finally:
            setattr(self.pipeline, self.tap.name, student)

    def noisy(self, prompt: str, chance: random.Random) -> Call:
        """Latents that the pipeline has drawn of `prompt` up to a random step, and what it says of them."""
        step, seed = chance.randrange(self.tap.steps), chance.randrange(2**31)
        return self.tap.noisy([prompt], step, [seed])

    @torch.no_grad()
    def erased(self, at: Call, prompt: str, strength: float) -> Tensor:
        """ESD's target for what the model is to predict under `prompt` (Gandikota et al. 2023, equation 7):
        ε₀(∅) − η (ε₀(c) − ε₀(∅)), by the frozen model; η is `strength`."""
        empty = predict(self.teacher, at.of(self.say("")))
        concept = predict(self.teacher, at.of(self.say(prompt)))
        return empty - strength * (concept - empty)


def descend(
    parameters: Iterable[nn.Parameter],
    loss: Callable[[int], Mapping[str, Tensor]],
    *,
    iterations: int,
    lr: float,
    label: str,
    progress: Progress,
) -> dict[str, list[float]]:
    """Minimise the sum of what `loss` returns for each iteration with Adam; returns its parts over time."""
    trained = list(parameters)
    for p in trained:
        p.requires_grad_(True)
    optimiser = torch.optim.Adam(trained, lr=lr)
    told: dict[str, list[float]] = {}
    progress.start(label, iterations)
    try:
        for i in range(iterations):
            optimiser.zero_grad(set_to_none=True)
            parts = loss(i)
            torch.stack([*parts.values()]).sum().backward()
            optimiser.step()
            for name, value in parts.items():
                told.setdefault(name, []).append(round(value.item(), 6))
            progress.advance(1)
    finally:
        progress.done()
        for p in trained:
            p.requires_grad_(False)
    return told


def prompts_of(task: ErasureTask) -> Sequence[str]:
    """Every prompt to be erased: names and other names of all concepts."""
    return [prompt for concept in task.erased for prompt in concept.prompts]


def squared_error(found: Tensor, wanted: Tensor) -> Tensor:
    """Mean squared error in float32, whatever the precision of the model."""
    return nn.functional.mse_loss(found.float(), wanted.float())
