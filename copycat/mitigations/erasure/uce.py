"""UCE, unified concept editing (Gandikota et al. 2024): closed form, with preserved concepts; seconds on a
CPU."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from copycat.mitigations.erasure.base import Erased, Eraser, EraserOptions
from copycat.mitigations.erasure.task import ErasureTask
from copycat.runtime.progress import Progress


class UCEOptions(EraserOptions):
    """Values of the authors' code where they have one."""

    ridge: float = Field(default=0.5, gt=0)
    """λ of the equation."""
    erase: float = Field(default=1.0, gt=0)
    """Weight of each concept."""
    keep: float = Field(default=1.0, ge=0)
    """Weight of each preserved prompt."""
    tokens: Literal["last", "all"] = "last"
    """Which of a prompt's tokens become the anchor's: the last of the name, as the paper has it, or every
    token from there on, since the tokens behind a name carry it too."""


class UCE(Eraser[UCEOptions]):
    """Maps a character's name to its generic noun in the keys and values of all cross-attention."""

    name = "uce"
    options = UCEOptions

    def erase(self, pipeline: Any, task: ErasureTask, progress: Progress) -> Erased:
        from copycat.mitigations.erasure.closed_form import Strength
        from copycat.mitigations.erasure.editing import Editing

        o = self.config
        progress.start(self.name, 1)
        editing = Editing(pipeline, task, self.name, o.tokens)
        editing.guide(Strength(o.ridge, o.erase, o.keep))
        weights = editing.finish()
        progress.advance(1)
        progress.done()
        return Erased(weights)
