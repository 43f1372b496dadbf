"""What a pipeline's denoiser is given, at any step and for any prompt.

Nothing here knows shapes, token limits or schedules: the pipeline is called as for a picture, and stopped
where its denoiser is asked. So the same code serves every pipeline whose denoiser is a `unet` or a
`transformer`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from copycat.cards.hooks import DenoiseStep
from copycat.cards.models import ModelCard
from copycat.diffusion.denoising import DENOISERS, denoising
from copycat.errors import UserError, first_line


@dataclass(frozen=True)
class Call:
    """What a denoiser is given for some prompts, without the rows of the negative prompts."""

    latents: Tensor
    """Noisy latents, as the denoiser sees them: shape (prompts, channels, …)."""
    timestep: Any
    """As the pipeline gives it."""
    arguments: Mapping[str, Any]
    """Everything else, by name; what the prompts say is in here."""

    def of(self, other: Call) -> Call:
        """These latents at this time, with what `other` says."""
        return Call(self.latents, self.timestep, other.arguments)

    def rows(self, which: slice) -> Call:
        """What it is given for some of its prompts."""
        n = len(self.latents)
        return Call(self.latents[which], _cut(self.timestep, n, which), _cut(self.arguments, n, which))


def joined(calls: Sequence[Call]) -> Call:
    """One call for the prompts of several, which are all at the same time.

    Raises UserError where what a model is given for a prompt is as long as the prompt, so that prompts of
    several lengths do not go into one call.
    """
    if len(calls) == 1:
        return calls[0]
    counts = [len(c.latents) for c in calls]
    try:
        return Call(
            torch.cat([c.latents for c in calls]),
            _joined([c.timestep for c in calls], counts),
            _joined([c.arguments for c in calls], counts),
        )
    except RuntimeError as e:
        raise UserError(
            "This model is given texts of several lengths, so prompts cannot be looked at together; set "
            f"the options for how many are looked at in an iteration to 1 ({first_line(e)})."
        ) from e


class _Stop(Exception):
    """Ends a pipeline's call at the denoiser."""

    def __init__(self, call: Call) -> None:
        self.call = call


def denoiser_name(pipeline: Any) -> str:
    """The name of the part that predicts noise or velocity. Raises UserError where there is none."""
    for name in DENOISERS:
        if isinstance(getattr(pipeline, name, None), torch.nn.Module):
            return name
    raise UserError(f"{type(pipeline).__name__} has no denoiser that is known here ({', '.join(DENOISERS)}).")


def predict(denoiser: Any, call: Call) -> Tensor:
    """What `denoiser` predicts for `call`, of the latents' shape; a predicted variance is left out."""
    first, time = argument_names(denoiser)
    given = {**call.arguments, first: call.latents, time: call.timestep}
    found = denoiser(**given)
    sample: Tensor = found[0] if isinstance(found, tuple) else found.sample
    return sample.chunk(2, dim=1)[0] if sample.shape[1] == 2 * call.latents.shape[1] else sample


def argument_names(denoiser: Any) -> tuple[str, str]:
    """What `denoiser` calls its latents and its time."""
    _, first, *names = inspect.signature(type(denoiser).forward).parameters
    return first, next(n for n in names if n in {"timestep", "t"})


class Tap:
    """Asks one pipeline for what its denoiser is given."""

    def __init__(self, pipeline: Any, card: ModelCard, *, steps: int = 50, guidance: float = 3.0) -> None:
        """`card` says how the pipeline is called; `steps` and `guidance` are those that noisy latents are
        sampled with."""
        self.pipeline, self.steps = pipeline, steps
        self._given = {
            **card.call,
            "height": card.sampling.height,
            "width": card.sampling.width,
            "output_type": "latent",
            card.guidance_argument: guidance,
        }
        self.name = denoiser_name(pipeline)
        # `__call__` is wrapped in no_grad, and the function beneath it is what can be differentiated.
        self._draw = inspect.unwrap(type(pipeline).__call__)

    @property
    def denoiser(self) -> Any:
        """The part that predicts."""
        return getattr(self.pipeline, self.name)

    def arguments(self, prompts: Sequence[str], *, gradients: bool = False) -> Call:
        """What the denoiser is given for `prompts` at the first step; with `gradients`, they can be followed
        back into the text encoder."""
        with torch.set_grad_enabled(gradients):
            return self._stopped(prompts, 0, 1, [0] * len(prompts))

    def noisy(self, prompts: Sequence[str], step: int, seeds: Sequence[int]) -> Call:
        """What the denoiser is given at `step` (from 0) of sampling with guidance, starting from the noise of
        `seeds`, one a prompt."""
        if not 0 <= step < self.steps:
            raise ValueError(f"there is no step {step} of {self.steps}")
        with torch.no_grad():
            return self._stopped(prompts, step, self.steps, seeds)

    @torch.no_grad()
    def path(self, prompts: Sequence[str], seeds: Sequence[int]) -> list[Call]:
        """What the denoiser is given at each of the steps while the pipeline draws `prompts` with guidance,
        starting from the noise of `seeds`, one a prompt: the same as :meth:`noisy` for all steps at once."""
        seen: dict[float, Call] = {}

        def hook(at: DenoiseStep) -> Tensor:
            time = _time(at)
            if time not in seen:
                seen[time] = _prompted(at, len(prompts))
            return at.predict()

        with denoising(self.pipeline, (), hook):
            self.latents(prompts, [torch.Generator("cpu").manual_seed(s) for s in seeds])
        return list(seen.values())

    @torch.no_grad()
    def latents(self, prompts: Sequence[str], noise: Sequence[torch.Generator]) -> Tensor:
        """Clean latents that the pipeline draws of `prompts`, before they are decoded."""
        given = {**self._given, "prompt": list(prompts), "num_inference_steps": self.steps}
        found: Tensor = self._draw(self.pipeline, **given, generator=list(noise)).images
        return found.detach()

    def _stopped(self, prompts: Sequence[str], step: int, steps: int, seeds: Sequence[int]) -> Call:
        given = {
            **self._given,
            "prompt": list(prompts),
            "num_inference_steps": steps,
            "generator": [torch.Generator("cpu").manual_seed(s) for s in seeds],
        }
        try:
            with denoising(self.pipeline, (), _stop_at(step, len(prompts))):
                self._draw(self.pipeline, **given)
        except _Stop as stopped:
            return stopped.call
        raise UserError(f"{type(self.pipeline).__name__} ended before step {step} of {steps}.")


def _stop_at(step: int, prompts: int) -> Callable[[DenoiseStep], Tensor]:
    """A hook that lets `step` steps pass, and stops the call at the next one."""
    seen: list[float] = []

    def hook(at: DenoiseStep) -> Tensor:
        time = _time(at)
        if time not in seen:
            seen.append(time)
        if len(seen) <= step:
            return at.predict()
        raise _Stop(_prompted(at, prompts))

    return hook


def _time(at: DenoiseStep) -> float:
    return float(torch.as_tensor(at.timestep).flatten()[0])


def _prompted(at: DenoiseStep, prompts: int) -> Call:
    """The rows of the prompts: with guidance most pipelines put those of the negative prompts before them."""
    rows = len(at.latents)
    return Call(at.latents, at.timestep, at.arguments).rows(slice(rows - prompts, rows))


def _cut(value: Any, rows: int, which: slice) -> Any:
    """Some of the rows of whatever in `value` has that many."""
    if isinstance(value, Tensor) and value.dim() > 0 and len(value) == rows:
        return value[which]
    if isinstance(value, Mapping):
        return {k: _cut(v, rows, which) for k, v in value.items()}
    return value


def _joined(values: Sequence[Any], rows: Sequence[int]) -> Any:
    """One value of several, where those that have a row a prompt are put one after another."""
    first = values[0]
    if isinstance(first, Tensor) and first.dim() > 0 and [len(v) for v in values] == list(rows):
        return torch.cat(list(values))
    if isinstance(first, Mapping):
        return {k: _joined([v[k] for v in values], rows) for k in first}
    return first
