"""RECE (Gong et al. 2024): UCE, then rounds against the inputs that would bring a concept back; seconds on a
CPU."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from copycat.cards.models import ModelCard
from copycat.mitigations.erasure.base import Erased, Eraser, Work
from copycat.mitigations.erasure.task import ErasureTask
from copycat.mitigations.erasure.uce import UCEOptions


class RECEOptions(UCEOptions):
    """λ and p as in the authors' code; ε and the rounds depend on the concept there."""

    ridge: float = Field(default=0.1, gt=0)
    keep: float = Field(default=0.1, ge=0)
    rounds: int = Field(default=3, ge=1)
    """How often the closest inputs are found and mapped to nothing."""
    epsilon: float = Field(default=0.1, gt=0)
    """How close to zero the found inputs are kept."""


class RECE(Eraser[RECEOptions]):
    """UCE with the inputs that come closest to a concept after each round erased too."""

    name = "rece"
    options = RECEOptions

    def erase(self, pipeline: Any, card: ModelCard, task: ErasureTask, work: Work) -> Erased:
        from copycat.mitigations.erasure.closed_form import Strength
        from copycat.mitigations.erasure.editing import Editing

        o = self.config
        strength = Strength(o.ridge, o.erase, o.keep)
        work.progress.start(self.name, 1 + o.rounds)
        editing = Editing(pipeline, card, task, self.name, o.tokens)
        editing.guide(strength)
        work.progress.advance(1)
        for _ in range(o.rounds):
            editing.close(strength, o.epsilon)
            work.progress.advance(1)
        weights = editing.finish()
        work.progress.done()
        return Erased(weights)
