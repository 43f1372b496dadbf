"""Noisy latents on the way to pictures that are drawn once, before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from copycat.diffusion.tap import Call, Tap, joined
from copycat.runtime.progress import Progress

_TOGETHER = 32
"""Pictures that are drawn in one call."""


class Paths:
    """Some pictures of each prompt at every step of sampling, by the model as it is when they are drawn."""

    def __init__(self, tap: Tap, prompts: Sequence[str], *, each: int, seed: int, progress: Progress) -> None:
        """`each` is how many pictures there are of a prompt; their noise follows from `seed` and the place of
        the prompt."""
        self._tap, self._each = tap, each
        self._found: dict[str, list[list[Call]]] = {}
        wanted = [
            (p, seed * len(prompts) * each + i) for i, p in enumerate(p for p in prompts for _ in range(each))
        ]
        progress.start("draw pictures", len(wanted))
        for start in range(0, len(wanted), _TOGETHER):
            some = wanted[start : start + _TOGETHER]
            steps = tap.path([p for p, _ in some], [s for _, s in some])
            for row, (prompt, _) in enumerate(some):
                self._found.setdefault(prompt, []).append([_kept(at, row) for at in steps])
            progress.advance(len(some))
        progress.done()

    def at(self, prompts: Sequence[str], step: int, chosen: Sequence[int]) -> Call:
        """What the denoiser was given at `step`, from 0, for one picture of each of `prompts`: that of the
        number in `chosen`, counted round and round. What the prompts say is left out."""
        found = [self._found[p][n % self._each][step] for p, n in zip(prompts, chosen, strict=True)]
        return joined(found)


def _kept(at: Call, row: int) -> Call:
    one = at.rows(slice(row, row + 1))
    time = one.timestep.clone() if isinstance(one.timestep, Tensor) else one.timestep
    return Call(one.latents.clone(), time, {})
