"""ESD, erased stable diffusion (Gandikota et al. 2023): fine-tunes the denoiser away from a concept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from copycat.cards.models import ModelCard
from copycat.mitigations.erasure.base import Erased, Eraser, EraserOptions, Work
from copycat.mitigations.erasure.task import ErasureTask

if TYPE_CHECKING:
    from torch import Tensor


class ESDOptions(EraserOptions):
    """Steps and guidance as in the paper; the learning rate and iterations are those of the authors' later
    script."""

    group: Literal["x", "x-strict", "u", "all"] = "x"
    """What is trained: cross-attention, its keys and values, all the rest, or everything."""
    iterations: int = Field(default=200, ge=1)
    """For each character that is erased."""
    lr: float = Field(default=5e-5, gt=0)
    strength: float = Field(default=1.0, gt=0)
    """η: how far the prediction is pushed to the other side of that for the empty prompt."""
    steps: int = Field(default=50, ge=1)
    """Of sampling noisy latents."""
    guidance: float = Field(default=3.0, ge=1)
    sampled: Literal["student", "teacher", "once"] = "student"
    """Who draws the noisy latents: the model that is trained, as in the paper, the frozen one, or the frozen
    one before the training, `pictures` of each prompt, which takes far less time."""
    pictures: int = Field(default=8, ge=1)
    """Of each prompt, where they are drawn once."""
    batch: int = Field(default=1, ge=1)
    """How many latents an iteration looks at, each of a prompt of its own, at one step of sampling."""
    seed: int = 0


class ESD(Eraser[ESDOptions]):
    """Has the prediction under a name become the frozen model's ε₀(∅) − η (ε₀(c) − ε₀(∅))."""

    name = "esd"
    options = ESDOptions

    def erase(self, pipeline: Any, card: ModelCard, task: ErasureTask, work: Work) -> Erased:
        from contextlib import nullcontext

        from copycat.diffusion.tap import predict
        from copycat.mitigations.erasure.layers import parameter_group
        from copycat.mitigations.erasure.training import Lesson, descend, prompts_of, squared_error

        o, prompts = self.config, prompts_of(task)
        lesson = Lesson(pipeline, card, steps=o.steps, guidance=o.guidance, seed=o.seed)
        group = parameter_group(lesson.student, o.group)
        if o.sampled == "once":
            lesson.draw_once([p for p in prompts for _ in range(o.pictures)], work.progress)

        def loss(iteration: int) -> dict[str, Tensor]:
            chance = lesson.draw(iteration)
            asked = [chance.choice(prompts) for _ in range(o.batch)]
            with lesson.frozen() if o.sampled == "teacher" else nullcontext():
                at = lesson.noisy(asked, chance)
            found = predict(lesson.student, at.of(lesson.say(asked)))
            return {"erase": squared_error(found, lesson.erased(at, asked, o.strength))}

        losses = descend(
            group,
            loss,
            iterations=o.iterations * len(task.erased),
            lr=o.lr,
            label=self.name,
            work=work,
        )
        return Erased({f"{lesson.tap.name}.{n}": p for n, p in group.items()}, losses)
