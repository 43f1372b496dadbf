"""Noisy latents on the way to pictures that are drawn once, before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from copycat.diffusion.tap import Call, Tap, joined
from copycat.runtime.progress import Progress

TOGETHER = 32
"""Pictures that are drawn in one call."""


class Paths:
    """Pictures of some prompts at every step of sampling, by the model as it is when they are drawn."""

    def __init__(self, tap: Tap, prompts: Sequence[str], *, seed: int, progress: Progress) -> None:
        """A prompt that stands several times in `prompts` has as many pictures. Their noise follows from
        `seed` and their place."""
        self._found: dict[str, list[list[Call]]] = {}
        wanted = [(prompt, seed * len(prompts) + i) for i, prompt in enumerate(prompts)]
        progress.start("draw pictures", len(wanted))
        for start in range(0, len(wanted), TOGETHER):
            some = wanted[start : start + TOGETHER]
            steps = tap.path([p for p, _ in some], [s for _, s in some])
            for row, (prompt, _) in enumerate(some):
                self._found.setdefault(prompt, []).append([_kept(at, row) for at in steps])
            progress.advance(len(some))
        progress.done()

    def at(self, prompts: Sequence[str], step: int, chosen: Sequence[int]) -> Call:
        """What the denoiser was given at `step`, from 0, for one picture of each of `prompts`: that of the
        number in `chosen`, counted round and round. What the prompts say is left out."""
        pictures = [self._found[p] for p in prompts]
        return joined([some[n % len(some)][step] for some, n in zip(pictures, chosen, strict=True)])


def _kept(at: Call, row: int) -> Call:
    one = at.rows(slice(row, row + 1))
    time = one.timestep.clone() if isinstance(one.timestep, Tensor) else one.timestep
    return Call(one.latents.clone(), time, {})
