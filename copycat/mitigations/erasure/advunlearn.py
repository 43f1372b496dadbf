"""AdvUnlearn (Zhang et al. 2024): trains the text encoder against an adversary that looks for the concept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from copycat.cards.models import ModelCard
from copycat.mitigations.erasure.base import Erased, Eraser, EraserOptions, Work
from copycat.mitigations.erasure.task import ErasureTask

if TYPE_CHECKING:
    from torch import Tensor


class AdvUnlearnOptions(EraserOptions):
    """Values of the authors' code. One is not theirs: their attack adds up its gradients over its steps, as
    it never clears them, and this one does not."""

    iterations: int = Field(default=1000, ge=1)
    """In all, whatever the number of characters."""
    warmup: int = Field(default=200, ge=0)
    """Of them, how many are without the adversary."""
    lr: float = Field(default=1e-5, gt=0)
    strength: float = Field(default=1.0, gt=0)
    """η of ESD's target."""
    retain: float = Field(default=1.0, ge=0)
    """γ: weight of keeping the predictions for preserved prompts."""
    retained: int = Field(default=5, ge=1)
    """How many preserved prompts an iteration looks at, all at one step of sampling."""
    batch: int = Field(default=1, ge=1)
    """How many latents an iteration erases on, each of a prompt of its own with an adversary of its own."""
    tokens: int = Field(default=1, ge=1)
    """k: adversarial tokens before the prompt."""
    attack_steps: int = Field(default=30, ge=1)
    attack_lr: float = Field(default=1e-3, gt=0)
    fast: bool = False
    """Whether the adversary takes one step along the sign of its gradient (fast AT)."""
    steps: int = Field(default=50, ge=1)
    """Of sampling noisy latents."""
    sampled: Literal["student", "once"] = "student"
    """Who draws the noisy latents: the model that is trained, as in the authors' code, or the original before
    the training, which takes far less time."""
    pictures: int = Field(default=8, ge=1)
    """Of each prompt to be erased, where they are drawn once; preserved prompts, which are many, have one."""
    guidance: float = Field(default=3.0, ge=1)
    seed: int = 0


class AdvUnlearn(Eraser[AdvUnlearnOptions]):
    """Bilevel: an inner adversary looks for token embeddings that bring the concept back, and the text
    encoder is trained to ESD's target under them, while predictions for preserved prompts stay."""

    name = "advunlearn"
    version = 2
    options = AdvUnlearnOptions

    def erase(self, pipeline: Any, card: ModelCard, task: ErasureTask, work: Work) -> Erased:
        import torch

        from copycat.diffusion.tap import Call, predict
        from copycat.diffusion.tokens import text_encoders
        from copycat.mitigations.erasure.adversary import Adversary
        from copycat.mitigations.erasure.training import Lesson, descend, prompts_of, squared_error

        o, prompts = self.config, prompts_of(task)
        lesson = Lesson(pipeline, card, steps=o.steps, guidance=o.guidance, seed=o.seed)
        kept = task.preserved or ("",)
        for prompt in (*prompts, *kept, ""):
            lesson.say(prompt)  # while the text encoder is still the original
        if o.sampled == "once":
            lesson.draw_once([*[p for p in prompts for _ in range(o.pictures)], *kept], work.progress)
        encoders = text_encoders(pipeline)
        group = {f"{e}.{n}": p for e, module in encoders.items() for n, p in _layers(module).items()}
        adversary = Adversary(lesson, prompts, tokens=o.tokens)

        def said(asked: list[str]) -> Call:
            """By the text encoder as it is now."""
            return lesson.tap.arguments(asked, gradients=True)

        def kept_as_is(chance: Any) -> Tensor:
            asked = chance.sample(kept, min(o.retained, len(kept)))
            at = lesson.noisy(asked, chance)
            with torch.no_grad():
                wanted = predict(lesson.teacher, at.of(lesson.say(asked)))
            return squared_error(predict(lesson.student, at.of(said(asked))), wanted)

        def attacked(at: Call, asked: list[str], chance: Any) -> Call:
            found = adversary.attack(
                at,
                asked,
                steps=1 if o.fast else o.attack_steps,
                lr=o.attack_lr,
                sign=o.fast,
                seed=chance.randrange(2**31),
            )
            return adversary.say(asked, found)

        def loss(iteration: int) -> dict[str, Tensor]:
            chance = lesson.draw(iteration)
            asked = [chance.choice(prompts) for _ in range(o.batch)]
            at = lesson.noisy(asked, chance)
            heard = said(asked) if iteration < o.warmup else attacked(at, asked, chance)
            error = squared_error(predict(lesson.student, at.of(heard)), lesson.erased(at, asked, o.strength))
            return {"erase": error, "keep": o.retain * kept_as_is(chance)}

        losses = descend(group, loss, iterations=o.iterations, lr=o.lr, label=self.name, work=work)
        return Erased(group, losses)


def _layers(encoder: Any) -> dict[str, Any]:
    """All that is trained: the layers and the last norm, and not the embeddings of tokens and places."""
    embeddings = {id(p) for n, m in encoder.named_modules() if "embed" in n for p in m.parameters()}
    embeddings |= {id(p) for p in encoder.get_input_embeddings().parameters()}
    return {n: p for n, p in encoder.named_parameters() if id(p) not in embeddings}
