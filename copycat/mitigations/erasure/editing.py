"""The closed-form methods on a pipeline: which inputs become which, and the weights that follow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import torch
from torch import Tensor

from copycat.cards.models import ModelCard
from copycat.diffusion.tap import Tap
from copycat.diffusion.tokens import tokenizer_of
from copycat.mitigations.erasure.closed_form import Strength, adversarial, transfer
from copycat.mitigations.erasure.layers import text_inputs, text_projections
from copycat.mitigations.erasure.task import ErasureTask


class Editing:
    """The keys and values of one pipeline while they are changed; its weights are changed at the end."""

    def __init__(
        self,
        pipeline: Any,
        card: ModelCard,
        task: ErasureTask,
        method: str,
        tokens: Literal["last", "all"],
    ) -> None:
        self._tap = Tap(pipeline, card, steps=1)
        self._layers = text_projections(self._tap.denoiser)
        pairs = [(prompt, concept.anchor) for concept in task.erased for prompt in concept.prompts]
        prompts = [text for pair in pairs for text in pair]
        texts = list(dict.fromkeys([*prompts, *task.preserved, " "]))
        inputs = text_inputs(self._tap, texts, method)
        ends = {text: _end(pipeline, text) for text in texts}
        self._spaces = [
            _Space(given, texts, ends, pairs, task.preserved, tokens) for given in _distinct(inputs)
        ]
        self._space_of = {
            name: next(s for s in self._spaces if s.given is given) for name, given in inputs.items()
        }
        for name, layer in self._layers.items():
            weight = layer.weight.detach().double().cpu()
            self._space_of[name].gram += weight.T @ weight

    def guide(self, strength: Strength) -> None:
        """Have every name become its anchor, and preserved prompts stay."""
        for space in self._spaces:
            step = transfer(space.concepts, space.guides, space.preserved, strength)
            space.now = space.now @ step

    def close(self, strength: Strength, ridge: float) -> None:
        """Have the inputs that come closest to the concepts now become the empty prompt."""
        for space in self._spaces:
            found = adversarial(space.whole, space.now, space.gram, ridge)
            preserved = space.preserved.double()
            # The layers are W₀ T now; the next change is one of inputs before T.
            step = transfer(found, space.empty, preserved, strength)
            space.now = space.now @ step

    def finish(self) -> dict[str, Tensor]:
        """Change the weights; returns them by part and name."""
        changed = {}
        with torch.no_grad():
            for name, layer in self._layers.items():
                new = layer.weight.detach().double().cpu() @ self._space_of[name].now
                layer.weight.copy_(new)
                changed[f"{self._tap.name}.{name}.weight"] = layer.weight
        return changed


class _Space:
    """Layers that are given the same text."""

    def __init__(
        self,
        given: Tensor,
        texts: list[str],
        ends: dict[str, int],
        pairs: list[tuple[str, str]],
        preserved: tuple[str, ...],
        tokens: str,
    ) -> None:
        self.given = given
        rows = {text: given[i] for i, text in enumerate(texts)}
        width = given.shape[2]
        self.now = torch.eye(width, dtype=torch.float64)
        self.gram = torch.zeros(width, width, dtype=torch.float64)

        def positions(text: str) -> list[int]:
            return [ends[text]] if tokens == "last" else list(range(ends[text], given.shape[1]))

        concepts, guides = [], []
        for prompt, anchor in pairs:
            for i, at in enumerate(positions(prompt)):
                # Behind the last token of the name comes what is behind that of the anchor.
                to = min(ends[anchor] + i, given.shape[1] - 1)
                concepts.append(rows[prompt][at])
                guides.append(rows[anchor][to])
        self.concepts, self.guides = torch.stack(concepts), torch.stack(guides)
        kept = [rows[text][at] for text in preserved for at in positions(text)]
        self.preserved = torch.stack(kept) if kept else torch.zeros(0, width)
        self.whole = torch.cat([rows[prompt] for prompt, _ in pairs])
        self.empty = torch.cat([rows[" "] for _ in pairs])


def _distinct(inputs: dict[str, Tensor]) -> Iterator[Tensor]:
    seen: set[int] = set()
    for given in inputs.values():
        if id(given) not in seen:
            seen.add(id(given))
            yield given


def _end(pipeline: Any, text: str) -> int:
    """The place of the last token of `text` that is not one of those that end or fill it up."""
    tokenizer = tokenizer_of(pipeline, "text_encoder")
    ids = tokenizer(text, truncation=True, max_length=tokenizer.model_max_length)["input_ids"]
    special = set(tokenizer.all_special_ids)
    places = [i for i, token in enumerate(ids) if token not in special]
    return places[-1] if places else 0
