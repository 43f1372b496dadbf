"""DoCo, domain correction (Wu et al. 2025): the concept's pictures become the anchor's, as a discriminator
sees them."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from copycat.cards.models import ModelCard
from copycat.mitigations.erasure.base import Erased, Eraser, EraserOptions, Work
from copycat.mitigations.erasure.surgery import Surgery
from copycat.mitigations.erasure.task import ErasureTask


class DoCoOptions(EraserOptions):
    """Values of the authors' README, for objects. They say that iterations, warm-up and learning rate must be
    tuned for each concept.

    What is preserved is measured against what the frozen model predicts for preserved prompts; the authors
    measure it against the noise, on the anchor's prompts.
    """

    iterations: int = Field(default=2000, ge=1)
    """In all, whatever the number of characters."""
    warmup: int = Field(default=1000, ge=0)
    """Of them, how many train the discriminator alone."""
    lr: float = Field(default=4.8e-5, gt=0)
    discriminator_lr: float = Field(default=1e-4, gt=0)
    batch: int = Field(default=8, ge=1)
    """Pictures an iteration, each of a prompt and at a step of its own."""
    pictures: int = Field(default=200, ge=1)
    """Drawn of the anchor prompts by the original model, to learn on."""
    surgery: Surgery = "projection"
    """How the gradient that erases is kept from undoing what is preserved."""
    surgery_strength: float = Field(default=1.0, ge=0)
    """λ."""
    steps: int = Field(default=25, ge=1)
    """Of drawing the anchors' pictures."""
    guidance: float = Field(default=6.0, ge=1)
    seed: int = 0


class DoCo(Eraser[DoCoOptions]):
    """Adversarial: the keys and values of cross-attention are trained until a discriminator takes what the
    model predicts under a name for what the original predicts under the anchor, on the same noisy latents."""

    name = "doco"
    version = 2
    options = DoCoOptions

    def erase(self, pipeline: Any, card: ModelCard, task: ErasureTask, work: Work) -> Erased:
        from copycat.mitigations.erasure.correction import Correction

        correction = Correction(pipeline, card, task, self.config, work)
        work.progress.start(self.name, self.config.iterations)
        work.progress.advance(correction.sitting.done)
        try:
            for i in range(correction.sitting.done, self.config.iterations):
                correction.sitting.tell(correction.step(i))
                work.progress.advance(1)
        finally:
            work.progress.done()
        return Erased(correction.weights, correction.sitting.losses)
