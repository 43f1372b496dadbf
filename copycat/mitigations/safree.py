"""SAFREE (Yoon et al. 2024): takes a concept's subspace out of what a prompt's words become, where the prompt
is near to it.

The rule for texts alone: the part of the method that filters the frequencies of latents is left out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from pydantic import Field

from copycat.cards.hooks import DenoiseStep
from copycat.errors import UserError
from copycat.intent.embedding import entry
from copycat.mitigations.base import Mitigation, Options, RunContext
from copycat.mitigations.steps import Guided, Times
from copycat.records import Request
from copycat.subjects.characters import Registry

if TYPE_CHECKING:
    from torch import Tensor

_STEEPNESS, _HALF = 50.0, 0.5333
"""Of how many steps it acts in, a sigmoid of the prompt's nearness β: half of the most at 0.5333."""


class SAFREEOptions(Options):
    """The defaults are the values of the authors' code: a tolerance of 0.01, and 10 steps of 50 at most."""

    tolerance: float = Field(default=0.01, ge=0)
    """α: a word is the concept's where the prompt without it is further from the concept than it is, on
    average, without each of the other words, by more than this share."""
    share: float = Field(default=0.2, gt=0, le=1)
    """The most steps that it acts in, from the first, as a share of those that a picture takes."""
    ends: bool = False
    """Whether the rows behind the last word are filtered too, where there are words of the concept. In text
    encoders that read from left to right they sum up the whole prompt; the paper leaves them as they are."""


@dataclass(frozen=True)
class Filtering:
    """What is done about one prompt."""

    steps: int
    """In so many steps, from the first."""
    rows: Mapping[int, Tensor]
    """Embeddings in the place of those of the concept's words, by their row: (width,)."""


class SAFREE(Mitigation[SAFREEOptions]):
    """Finds the words that bring a prompt near the character, and has the first steps see embeddings of them
    from which the character's subspace is taken away; the nearer the prompt, the more steps.

    The subspace is that of the texts that stand for the character: its names, its description, its keywords.
    A text is one vector here, the mean of the rows that the denoiser is given for it, since not every model
    has a pooled one. The other words are left as they are, and so are the rows without words unless `ends`
    is set.
    """

    name = "safree"
    needs_guidance = True
    options = SAFREEOptions

    def __init__(self, config: SAFREEOptions, registry: Registry | None = None) -> None:
        super().__init__(config)
        self._registry = registry

    def bind(self, context: RunContext) -> Self:
        return type(self)(self.config, context.registry)

    def texts(self, request: Request) -> tuple[str, ...]:
        return (*self._concept(request), request.prompt, *without_each_word(request.prompt))

    def denoise(self, step: DenoiseStep) -> Tensor:
        pictures = Guided.of(step, self.name).pictures
        name = text_argument(step)
        kept = step.memory
        if "filtered" not in kept:
            kept["times"] = Times()
            kept["filtered"] = [self._filtering(step, r, name) for r in step.requests[pictures:]]
        number = kept["times"].number(step.timestep)
        words = step.arguments[name].clone()
        for row, found in enumerate(kept["filtered"], start=pictures):
            if number <= found.steps:
                for place, vector in found.rows.items():
                    words[row, place] = vector.to(words)
        return step.predict(arguments={**step.arguments, name: words})

    def _filtering(self, step: DenoiseStep, request: Request, name: str) -> Filtering:
        import torch

        def mean(texts: Sequence[str]) -> Tensor:
            return torch.stack([step.said[text][name][0].float().mean(dim=0) for text in texts])

        if not request.prompt.split():
            return Filtering(0, {})
        places = step.places.get(request.prompt)
        if places is None:
            raise UserError(
                f"{self.name} needs a model whose text encoders split a prompt alike; use a mitigation that "
                "acts on the prompt or on the weights."
            )
        concept = projection(mean(self._concept(request)))
        whole, without = mean([request.prompt]), mean(without_each_word(request.prompt))
        far = [float(d) for d in distances(without, concept)]
        chosen = concept_words(far, float(distances(whole, concept)[0]), self.config.tolerance)
        safe = (torch.eye(len(concept)).to(concept) - concept) @ projection(without)
        said = step.said[request.prompt][name][0].float()
        changed = [place for word in chosen for place in places[word]]
        if self.config.ends and chosen:
            changed += range(max(place for word in places for place in word) + 1, len(said))
        rows = {place: safe @ said[place] for place in changed}
        most = self.config.share * request.sampling.steps
        near = 1 - float(distances(whole, concept)[0] / whole.norm())
        return Filtering(steps_for(near, most), rows)

    def _concept(self, request: Request) -> tuple[str, ...]:
        if self._registry is None:
            raise RuntimeError(f"{self.name} must be bound to a run first")
        return entry(self._registry[request.character])


def without_each_word(prompt: str) -> list[str]:
    """`prompt` without its first word, without its second, and so on."""
    words = prompt.split()
    return [" ".join(words[:i] + words[i + 1 :]) for i in range(len(words))]


def projection(vectors: Tensor) -> Tensor:
    """The matrix (width, width) that projects onto the span of `vectors`, shape (n, width)."""
    import torch

    # V V⁺ is the projection onto the columns of V, also where they depend on each other.
    columns = vectors.T
    found: Tensor = columns @ torch.linalg.pinv(columns)
    return found


def distances(vectors: Tensor, onto: Tensor) -> Tensor:
    """How far each of `vectors`, (n, width), is from what `onto` projects it onto: (n,)."""
    found: Tensor = (vectors - vectors @ onto.T).norm(dim=1)
    return found


def concept_words(without: Sequence[float], whole: float, tolerance: float) -> list[int]:
    """The words that bring a prompt near a concept, by their number.

    `without` are the distances of the prompt without each of its words, `whole` is that of the prompt. A word
    is one of them if its distance is at least 1 + `tolerance` times the mean of the others'; where there are
    no others, than that of the whole prompt.
    """
    found = []
    for i, distance in enumerate(without):
        others = [d for j, d in enumerate(without) if j != i] or [whole]
        if distance >= (1 + tolerance) * sum(others) / len(others):
            found.append(i)
    return found


def steps_for(near: float, most: float) -> int:
    """In how many steps the filtered words are seen, `most` at the most: a sigmoid of how `near` the prompt
    is to the concept, one less the share of its length that is outside of the concept's subspace."""
    return round(most / (1 + math.exp(-_STEEPNESS * (near - _HALF))))


def text_argument(step: DenoiseStep) -> str:
    """The name of the argument in which the denoiser is given the words, one row a token. Raises UserError
    where there is none."""
    said = next(iter(step.said.values()))
    for name, value in step.arguments.items():
        one = said.get(name)
        if getattr(value, "ndim", 0) == 3 and getattr(one, "shape", ())[1:] == value.shape[1:]:
            return name
    raise UserError(
        "This model's denoiser is given no embeddings of words that could be filtered; use a mitigation that "
        "acts on the prompt or on the weights."
    )
