"""UCE, unified concept editing (Gandikota et al. 2024): closed form, with preserved concepts; seconds on a
CPU."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from copycat.cards.models import ModelCard
from copycat.mitigations.erasure.base import Erased, Eraser, EraserOptions, Work
from copycat.mitigations.erasure.task import ErasureTask


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

    def erase(self, pipeline: Any, card: ModelCard, task: ErasureTask, work: Work) -> Erased:
        from copycat.mitigations.erasure.closed_form import Strength
        from copycat.mitigations.erasure.editing import Editing

        o = self.config
        work.progress.start(self.name, 1)
        editing = Editing(pipeline, card, task, self.name, o.tokens)
        editing.guide(Strength(o.ridge, o.erase, o.keep))
        weights = editing.finish()
        work.progress.advance(1)
        work.progress.done()
        return Erased(weights)
