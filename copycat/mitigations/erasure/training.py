"""What the erasers that train have in common: a frozen teacher, noisy latents, an optimiser, progress."""

from __future__ import annotations

import copy
import io
import math
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from copycat.cards.models import ModelCard
from copycat.diffusion.tap import Call, Tap, joined, predict
from copycat.errors import BadFile, UserError, first_line
from copycat.io.atomic import write_bytes
from copycat.mitigations.erasure.base import Work
from copycat.mitigations.erasure.paths import Paths
from copycat.mitigations.erasure.task import ErasureTask
from copycat.runtime.progress import Progress

Prompts = str | Sequence[str]
"""One prompt, or several that are looked at together."""


class Lesson:
    """One pipeline whose weights are trained, with a frozen copy of its denoiser beside it.

    Everything that is drawn at random follows from `seed` and the iteration alone. Where several prompts are
    looked at together they are at one step of sampling.
    """

    def __init__(self, pipeline: Any, card: ModelCard, *, steps: int, guidance: float, seed: int) -> None:
        self.tap = Tap(pipeline, card, steps=steps, guidance=guidance)
        self.pipeline, self._seed = pipeline, seed
        for module in pipeline.components.values():
            if isinstance(module, nn.Module):
                module.requires_grad_(False).eval()
        self.teacher = copy.deepcopy(self.tap.denoiser)
        self._said: dict[str, Call] = {}
        self._paths: Paths | None = None

    @property
    def student(self) -> Any:
        """The denoiser in the pipeline."""
        return self.tap.denoiser

    def say(self, prompts: Prompts) -> Call:
        """What the frozen text encoders make of `prompts`, a row each; asked once for each prompt, so only
        before they are trained."""
        for prompt in listed(prompts):
            if prompt not in self._said:
                self._said[prompt] = self.tap.arguments([prompt])
        return joined([self._said[prompt] for prompt in listed(prompts)])

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

    def draw_once(self, prompts: Sequence[str], progress: Progress) -> None:
        """Draw a picture of each of `prompts` now; one that stands there several times has as many. From then
        on :meth:`noisy` takes its latents from the way to these, instead of having the pipeline draw every
        time."""
        self._paths = Paths(self.tap, prompts, seed=self._seed, progress=progress)

    def noisy(self, prompts: Prompts, chance: random.Random) -> Call:
        """Latents that the pipeline has drawn of `prompts`, a row each, up to a random step that they share,
        and where it draws them now what it says of them."""
        asked = listed(prompts)
        step, seeds = chance.randrange(self.tap.steps), [chance.randrange(2**31) for _ in asked]
        if self._paths is not None:
            return self._paths.at(asked, step, seeds)
        return self.tap.noisy(asked, step, seeds)

    @torch.no_grad()
    def erased(self, at: Call, prompts: Prompts, strength: float) -> Tensor:
        """ESD's target for what the model is to predict under `prompts` (Gandikota et al. 2023, equation 7):
        ε₀(∅) − η (ε₀(c) − ε₀(∅)), by the frozen model; η is `strength`."""
        asked = listed(prompts)
        empty = predict(self.teacher, at.of(self.say([""] * len(asked))))
        concept = predict(self.teacher, at.of(self.say(asked)))
        return empty - strength * (concept - empty)


def listed(prompts: Prompts) -> list[str]:
    """One prompt or several as a list."""
    return [prompts] if isinstance(prompts, str) else list(prompts)


def descend(
    parameters: Mapping[str, nn.Parameter],
    loss: Callable[[int], Mapping[str, Tensor]],
    *,
    iterations: int,
    lr: float,
    label: str,
    work: Work,
) -> dict[str, list[float]]:
    """Minimise the sum of what `loss` returns for each iteration with Adam; returns its parts over time.

    Goes on from the checkpoint where there is one, to the same weights as without a break.
    """
    trained = list(parameters.values())
    for p in trained:
        p.requires_grad_(True)
    optimiser = torch.optim.Adam(trained, lr=lr)
    sitting = Sitting(work, parameters, {"optimiser": optimiser})
    work.progress.start(label, iterations)
    work.progress.advance(sitting.done)
    try:
        for i in range(sitting.done, iterations):
            optimiser.zero_grad(set_to_none=True)
            parts = loss(i)
            torch.stack([*parts.values()]).sum().backward()
            optimiser.step()
            sitting.tell({name: value.item() for name, value in parts.items()})
            work.progress.advance(1)
    finally:
        work.progress.done()
        for p in trained:
            p.requires_grad_(False)
    return sitting.losses


class Sitting:
    """The iterations of a training, of which the state is kept on disk from time to time."""

    def __init__(self, work: Work, parameters: Mapping[str, nn.Parameter], more: Mapping[str, Any]) -> None:
        """`more` is what has a state beside `parameters`: optimisers, other modules. What the checkpoint
        holds of them is taken up."""
        self._work, self._parameters, self._more = work, parameters, more
        self.done = 0
        """Iterations that are behind it."""
        self.losses: dict[str, list[float]] = {}
        """By name, over the iterations."""
        self._kept = time.monotonic()
        if work.checkpoint.is_file():
            self._restore(_read(work.checkpoint))

    def tell(self, losses: Mapping[str, float]) -> None:
        """One more iteration is done, with these losses. Raises UserError where one is no finite number: then
        the weights are lost, and what the checkpoint holds is from before."""
        lost = next((name for name, value in losses.items() if not math.isfinite(value)), None)
        if lost:
            raise UserError(
                f"The loss {lost} is no finite number after {self.done + 1} iterations; train with a smaller "
                "lr."
            )
        self.done += 1
        for name, value in losses.items():
            self.losses.setdefault(name, []).append(round(value, 6))
        if time.monotonic() - self._kept >= self._work.every:
            self.keep()

    def keep(self) -> None:
        """Write the state now."""
        state = {
            "done": self.done,
            "losses": self.losses,
            "parameters": {name: p.detach().cpu() for name, p in self._parameters.items()},
            "more": {name: part.state_dict() for name, part in self._more.items()},
        }
        content = io.BytesIO()
        torch.save(state, content)
        write_bytes(self._work.checkpoint, content.getvalue())
        self._kept = time.monotonic()

    def _restore(self, state: Mapping[str, Any]) -> None:
        self.done, self.losses = state["done"], state["losses"]
        with torch.no_grad():
            for name, p in self._parameters.items():
                p.copy_(state["parameters"][name])
        for name, part in self._more.items():
            part.load_state_dict(state["more"][name])


def _read(checkpoint: Path) -> Any:
    try:
        return torch.load(checkpoint, weights_only=True)
    except Exception as e:
        raise BadFile(f"{checkpoint} cannot be read ({first_line(e)}); delete it, and begin again.") from e


def prompts_of(task: ErasureTask) -> Sequence[str]:
    """Every prompt to be erased: names and other names of all concepts."""
    return [prompt for concept in task.erased for prompt in concept.prompts]


def squared_error(found: Tensor, wanted: Tensor) -> Tensor:
    """Mean squared error in float32, whatever the precision of the model."""
    return nn.functional.mse_loss(found.float(), wanted.float())
