"""What guidance methods have in common: the rows of one call of a denoiser, and predictions under other
words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from copycat.cards.hooks import DenoiseStep
from copycat.diffusion.composing import guided_pictures
from copycat.diffusion.wording import worded

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Guided:
    """A call for pictures and, before them, for their negative prompts, as classifier-free guidance makes
    it."""

    step: DenoiseStep
    pictures: int

    @classmethod
    def of(cls, step: DenoiseStep, method: str) -> Guided:
        """Raises UserError for a pipeline that does not ask for both in one call, which `method` needs."""
        instead = "use a mitigation that acts on the prompt or on the weights"
        return cls(step, guided_pictures(step, method, instead))

    def with_texts(self, texts: Sequence[str]) -> Tensor:
        """The prediction for the same noisy latents under one of `texts` for each picture: (pictures, …)."""
        said = [self.step.said[text] for text in texts]
        return self.step.predict(
            latents=self.step.latents[self.pictures :],
            timestep=rows(self.step.timestep, self.pictures, 2 * self.pictures),
            requests=self.step.requests[self.pictures :],
            arguments=worded(self.step.arguments, said, 2 * self.pictures),
        )


def rows(value: Any, last: int, of: int) -> Any:
    """The last rows of a tensor that has `of`; anything else as it is."""
    shape = getattr(value, "shape", ())
    return value[of - last :] if shape and shape[0] == of else value


class Times:
    """Counts the steps of a picture, in some of which a sampler asks more than once."""

    def __init__(self) -> None:
        self._seen: list[float] = []

    def number(self, timestep: Any) -> int:
        """The number of this step, from 1."""
        import torch

        time = float(torch.as_tensor(timestep).flatten()[0])
        if time not in self._seen:
            self._seen.append(time)
        return self._seen.index(time) + 1
