"""SPM, semi-permeable membranes (Lyu et al. 2024): thin adapters that erase a concept, and stay shut for
texts that have nothing to do with it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pydantic import Field

from copycat.cards.models import ModelCard
from copycat.errors import UserError
from copycat.io.paths import expand
from copycat.mitigations.base import RunContext
from copycat.mitigations.erasure.base import Erased, Eraser, EraserOptions, Erasure, Work
from copycat.mitigations.erasure.task import ErasureTask

if TYPE_CHECKING:
    from torch import Tensor

    from copycat.diffusion.tap import Call


class SPMOptions(EraserOptions):
    """Rate, strength and anchors are the paper's; of its 3,000 iterations for each concept there are fewer,
    since latents are drawn once."""

    iterations: int = Field(default=600, ge=1)
    """For each character that is erased."""
    lr: float = Field(default=1e-4, gt=0)
    strength: float = Field(default=1.0, gt=0)
    """η: how far the prediction is pushed to the other side of that for the empty prompt."""
    anchors: int = Field(default=4, ge=1)
    """Texts at random in each iteration, under which the prediction is to stay."""
    anchoring: float = Field(default=1000.0, ge=0)
    """What the error under anchors weighs, against that under the name."""
    steps: int = Field(default=50, ge=1)
    """Of sampling noisy latents."""
    guidance: float = Field(default=3.0, ge=1)
    pictures: int = Field(default=8, ge=1)
    """Of each prompt, which noisy latents are taken from."""
    batch: int = Field(default=1, ge=1)
    """How many latents an iteration looks at."""
    gate: bool = True
    """Whether adapters open as far as a prompt is about the character. Without it they are always open, and
    written into the model's weights."""
    adapters: str = ""
    """A folder of adapters that `copycat erase --method spm` has written, to be used here instead of training
    any: for the same model or another one of its shape."""
    seed: int = 0


class SPM(Eraser[SPMOptions]):
    """Trains, beside each linear layer of the blocks that look at text, a matrix of rank one for each
    character. Its prediction under the name becomes ESD's target, ε₀(∅) − η (ε₀(c) − ε₀(∅)); under anchors,
    texts of Gaussian numbers about as long as the name's, it is to stay what it was (latent anchoring).

    In use each opens by the cosine between prompt and name, as the block is given them and against the empty
    prompt. The paper also opens it by the share of the name's tokens in the prompt, which a denoiser does not
    see, so that is left out.
    """

    name = "spm"
    options = SPMOptions

    def __init__(self, config: SPMOptions, task: ErasureTask | None = None, content: str = "") -> None:
        """`content` is the hash of the adapters that are used instead of training any."""
        super().__init__(config, task)
        self._content = content

    def bind(self, context: RunContext) -> Self:
        bound = super().bind(context)
        if not bound.config.adapters:
            return bound
        from copycat.mitigations.erasure.delta import WEIGHTS, read_card

        folder = expand(bound.config.adapters)
        card = read_card(folder)
        ours = card.method.startswith(f"{self.name}-") and card.options.get("gate", True)
        if not (ours and bound.config.gate and (folder / WEIGHTS).is_file()):
            raise UserError(
                f"{folder} holds no adapters of {self.name} with a gate; write some with "
                f"copycat erase --method {self.name}."
            )
        theirs = {concept["slug"] for concept in card.options["task"]["erased"]}
        without = [c.slug for c in bound._task.erased if c.slug not in theirs] if bound._task else []
        if without:
            raise UserError(
                f"{folder} holds adapters for {', '.join(sorted(theirs))}, and none for {without[0]}; say "
                f"characters={';'.join(sorted(theirs))}, or write others with copycat erase."
            )
        content = hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()[:32]
        return type(self)(bound.config, bound._task, content)

    def edit_model(self, base: str) -> Erasure:
        edit = super().edit_model(base)
        if not self._content:
            return edit
        # The same adapters are the same change, wherever they lie and whatever else is said.
        return replace(edit, options={"adapters": self._content})

    @property
    def needs_adapters(self) -> bool:
        return self.config.gate

    def erase(self, pipeline: Any, card: ModelCard, task: ErasureTask, work: Work) -> Erased:
        import torch

        from copycat.diffusion.tap import joined, predict
        from copycat.mitigations.erasure import permeable
        from copycat.mitigations.erasure.delta import read_weights
        from copycat.mitigations.erasure.layers import text_inputs
        from copycat.mitigations.erasure.training import Lesson, descend, squared_error

        o = self.config
        if o.adapters:
            return Erased(read_weights(expand(o.adapters)))
        lesson = Lesson(pipeline, card, steps=o.steps, guidance=o.guidance, seed=o.seed)
        names = [concept.name for concept in task.erased]
        given = text_inputs(lesson.tap, ["", *names], self.name)
        asked = [p for concept in task.erased for p in concept.prompts]
        lesson.draw_once([p for p in asked for _ in range(o.pictures)], work.progress)
        denoiser = lesson.student
        adapters = {
            name: permeable.Adapter(*_first(layer, len(names), f"{o.seed}|{name}"))
            for name, layer in permeable.layers(denoiser).items()
        }
        permeable.attach(denoiser, adapters)

        def loss(iteration: int) -> dict[str, Tensor]:
            chance = lesson.draw(iteration)
            which = iteration % len(names)
            for adapter in adapters.values():
                adapter.gates = torch.nn.functional.one_hot(torch.tensor(which), len(names))
            prompts = [chance.choice(task.erased[which].prompts) for _ in range(o.batch)]
            at = lesson.noisy(prompts, chance)
            first = at.rows(slice(0, 1)).of(lesson.say(prompts[0]))
            beside = anchors(first, lesson.say(""), o.anchors, chance.randrange(2**31))
            # One call each for the trained and the frozen model: names and anchors are at one time step.
            named, empty = at.of(lesson.say(prompts)), at.of(lesson.say([""] * o.batch))
            with torch.no_grad():
                frozen = predict(lesson.teacher, joined([empty, named, beside]))
            plain, concept, kept = frozen.split([o.batch, o.batch, o.anchors])
            found, moved = predict(lesson.student, joined([named, beside])).split([o.batch, o.anchors])
            erase = squared_error(found, plain - o.strength * (concept - plain))
            anchor = squared_error(moved, kept)
            return {"erase": erase, "anchor": o.anchoring * anchor}

        trained = {
            f"{name}.{which}": getattr(adapter, which)
            for name, adapter in adapters.items()
            for which in ("down", "up")
        }
        losses = descend(
            trained, loss, iterations=o.iterations * len(names), lr=o.lr, label=self.name, work=work
        )
        part = lesson.tap.name
        if not o.gate:
            return Erased(_within(part, permeable.merge(lesson.teacher, adapters)), losses)
        gates = {}
        for block in permeable.blocks(denoiser):
            rows = next(v for layer, v in given.items() if layer.startswith(f"{block}."))
            gates[block] = permeable.Gate(rows[1:].mean(dim=1), rows[0].mean(dim=0))
        return Erased(_within(part, permeable.to_weights(adapters, gates)), losses)

    def place(self, pipeline: Any, weights: Mapping[str, Tensor], folder: Path) -> None:
        if not self.config.gate:
            super().place(pipeline, weights, folder)
            return
        from copycat.diffusion.tap import denoiser_name
        from copycat.mitigations.erasure import permeable

        part = denoiser_name(pipeline)
        permeable.from_weights(
            getattr(pipeline, part), {name.removeprefix(f"{part}."): w for name, w in weights.items()}
        )


def _within(part: str, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"{part}.{name}": w for name, w in weights.items()}


def _first(layer: Any, concepts: int, seed: str) -> tuple[Tensor, Tensor]:
    """Adapters that add nothing yet: down at random, as linear layers begin, and up zero."""
    import random

    import torch

    chance = torch.Generator().manual_seed(random.Random(seed).randrange(2**31))
    bound = layer.in_features**-0.5
    down = torch.empty(concepts, layer.in_features).uniform_(-bound, bound, generator=chance)
    return down, torch.zeros(concepts, layer.out_features)


def anchors(at: Call, empty: Call, count: int, seed: int) -> Call:
    """`count` texts of Gaussian numbers in the place of the one that `at` holds, at the same latents.

    Each is as long as that text, ‖c‖, times a number between 0.8 and 1.2. `empty` says the empty prompt, and
    tells by its difference which of the denoiser's arguments are words.
    """
    import torch

    from copycat.diffusion.tap import Call, joined

    chance = torch.Generator().manual_seed(seed)
    several = joined([at] * count)
    changed = dict(several.arguments)
    for name, value in at.arguments.items():
        other = empty.arguments.get(name)
        if getattr(value, "ndim", 0) == 3 and getattr(other, "shape", None) == value.shape:
            noise = torch.randn((count, *value.shape[1:]), generator=chance)
            far = 0.8 + 0.4 * torch.rand((count, 1, 1), generator=chance)
            length = value.float().norm().cpu() * far / noise.flatten(1).norm(dim=1).reshape(-1, 1, 1)
            changed[name] = (noise * length).to(value)
    return Call(several.latents, several.timestep, changed)
