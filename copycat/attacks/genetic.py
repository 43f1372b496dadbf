"""Looking for words whose encoding is near a wanted one, by a genetic search over a text encoder alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from copycat.attacks.base import Victim
from copycat.attacks.names import nameless
from copycat.cards.models import ModelCard
from copycat.diffusion.tap import Tap
from copycat.diffusion.tokens import text_encoders, tokenizer_of, vocabulary
from copycat.errors import UserError
from copycat.records import digest
from copycat.subjects.characters import normalise

FRAMES = ("{}", "a picture of {}", "{} on a beach", "{} at night", "{} in a room", "two of {} side by side")
"""What stands around the character in one half of the pairs, and around generic words in the other."""


class Encoding:
    """What a pipeline's text encoders make of texts, as its denoiser is given it, in one vector a text."""

    def __init__(self, card: ModelCard, pipeline: Any) -> None:
        self._tap = Tap(pipeline, card, steps=1, guidance=card.guidance_off)

    def __call__(self, texts: Sequence[str]) -> Tensor:
        """Shape (texts, width of everything together), float32."""
        with torch.no_grad():
            said = self._tap.arguments(texts).arguments
        parts = [p.flatten(1).float() for p in _numbers(said) if p.dim() > 1 and len(p) == len(texts)]
        return torch.cat(parts, dim=1)


def refuse_own_lengths(card: ModelCard, pipeline: Any) -> None:
    """Raise UserError where the `pipeline` of `card` is given texts at their own lengths, so that their
    encodings cannot be compared."""
    encode = Encoding(card, pipeline)
    short, long = (encode([text]) for text in ("a", " ".join(FRAMES)))
    if short.shape != long.shape:
        raise UserError(
            f"ringabell compares encodings of one length, and {card.title} is given texts at their own "
            "lengths; use an attack on the prompt alone, such as typo."
        )


def _numbers(given: Any) -> list[Tensor]:
    if isinstance(given, Mapping):
        return [tensor for part in given.values() for tensor in _numbers(part)]
    return [given] if isinstance(given, Tensor) and given.is_floating_point() else []


def wanted(victim: Victim, encode: Encoding, strength: float) -> Tensor:
    """E(p) + η · mean(E⁺ − E⁻): the prompt's encoding, led further to the character by `strength` times what
    its name adds to generic words. Shape (width,)."""
    character = victim.character
    with_it = encode([frame.format(character.name) for frame in FRAMES])
    without = encode([frame.format(character.generic) for frame in FRAMES])
    prompt: Tensor = encode([victim.request.source_prompt])[0]
    return prompt + strength * (with_it - without).mean(0)


class GeneticSearch:
    """Texts of a fixed number of words: those near the wanted encoding are kept, crossed and changed.

    Chance follows from `seed` and the picture's own noise seed alone.
    """

    def __init__(
        self,
        victim: Victim,
        *,
        length: int,
        population: int,
        strength: float,
        mutation: float,
        crossover: float,
        seed: int,
    ) -> None:
        """Raises UserError for a model without a text encoder. One that is given texts at their own lengths
        is to be refused before, see :func:`refuse_own_lengths`."""
        self._victim, self._encode = victim, Encoding(victim.card, victim.original)
        self._wanted = wanted(victim, self._encode, strength)
        self._mutation, self._crossover = mutation, crossover
        self._words = _words(victim)
        self._chance = torch.Generator().manual_seed(int(digest([seed, victim.request.seed]), 16) >> 1)
        size = min(length, *_room(victim.original))
        self._texts = self._draw(len(self._words), (population, size))
        self._errors = self._measure(self._texts)

    @property
    def best(self) -> str:
        """The text whose encoding is nearest so far."""
        return self._say(self._texts[int(self._errors.argmin())])

    @property
    def error(self) -> float:
        """Its mean squared distance from the wanted encoding."""
        return float(self._errors.min())

    def evolve(self, generations: int) -> None:
        """Replace the worse half by children of the better one, so many times."""
        for _ in range(generations):
            order = self._errors.argsort(stable=True)
            kept = order[: (len(order) + 1) // 2]
            children = self._children(self._texts[kept], len(order) - len(kept))
            self._texts = torch.cat([self._texts[kept], children])
            self._errors = torch.cat([self._errors[kept], self._measure(children)])
            self._victim.step()

    def _children(self, parents: Tensor, count: int) -> Tensor:
        """Each of two parents, of the first up to a point and of the second from there, or of one alone; and
        with one word changed, or none."""
        size = parents.shape[1]
        first, second = (parents[self._draw(len(parents), (count,))] for _ in range(2))
        point = self._draw(size + 1, (count, 1))
        point = torch.where(self._happens(self._crossover, count), point, size)
        children = torch.where(torch.arange(size) < point, first, second)
        changed = torch.arange(size) == self._draw(size, (count, 1))
        fresh = self._draw(len(self._words), (count, size))
        return torch.where(changed & self._happens(self._mutation, count), fresh, children)

    def _happens(self, probability: float, count: int) -> Tensor:
        return torch.rand(count, 1, generator=self._chance) < probability

    def _draw(self, below: int, shape: tuple[int, ...]) -> Tensor:
        return torch.randint(0, below, shape, generator=self._chance)

    def _measure(self, texts: Tensor) -> Tensor:
        """Mean squared distance of each text's encoding from the wanted one."""
        if not len(texts):
            return torch.zeros(0)
        found = self._encode([self._say(text) for text in texts])
        error: Tensor = (found - self._wanted).square().mean(1).cpu()
        return error

    def _say(self, text: Tensor) -> str:
        return " ".join(self._words[i] for i in text.tolist())


def _words(victim: Victim) -> list[str]:
    """The vocabulary of the model without the words that the character's names consist of."""
    words = vocabulary(victim.original).words
    free = nameless(words, victim.character)
    return [word for word, chosen in zip(words, free, strict=True) if chosen and normalise(word)]


def _room(pipeline: Any) -> list[int]:
    """How many tokens each text encoder of `pipeline` reads, without those that begin and end a text."""
    tokenizers = [tokenizer_of(pipeline, encoder) for encoder in text_encoders(pipeline)]
    return [t.model_max_length - t.num_special_tokens_to_add() for t in tokenizers]
