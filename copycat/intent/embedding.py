"""Intent by retrieval: the registry's entry whose text is nearest to the prompt's, in a text encoder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from copycat.intent.base import Detector, Guess
from copycat.subjects.characters import Character, Registry

if TYPE_CHECKING:
    import torch

Embed = Callable[[Sequence[str]], "torch.Tensor"]
"""n texts to float32 (n, width)."""
TELLING = 3
"""How many of a character's keywords are an entry of their own."""


class Embedding(Detector):
    """The score is the largest cosine, in [-1, 1], between the prompt and the texts of one entry.

    He et al. 2024 (Table 9) retrieve with text-embedding-3-small and a cosine of 0.7; which cosine
    tells apart depends on the encoder, so here it is measured on neutral prompts.
    """

    def __init__(self, registry: Registry, embed: Embed, encoder: str) -> None:
        self.identity = f"embedding:{encoder}"
        self._embed = embed
        listed = [(c.slug, text) for c in registry.characters for text in entry(c)]
        self._slugs, self._texts = [s for s, _ in listed], [t for _, t in listed]
        self._index = self._unit(self._texts)

    def guess(self, prompts: Sequence[str]) -> list[Guess]:
        if not prompts:
            return []
        near = self._unit(prompts) @ self._index.T
        scores, places = near.max(dim=1)
        return [
            Guess(self._slugs[i], round(s, 4), self._texts[i])
            for s, i in zip(scores.tolist(), places.tolist(), strict=True)
        ]

    def _unit(self, texts: Sequence[str]) -> Any:
        import torch

        return torch.nn.functional.normalize(self._embed(texts), dim=-1)


def entry(character: Character) -> tuple[str, ...]:
    """What stands for a character: each of its names, all that describes it, and its most telling words."""
    described = (character.generic, *(m.text for m in character.attributes), *character.keywords)
    texts = (
        *character.spoken,
        ", ".join(dict.fromkeys(filter(None, described))),
        ", ".join(character.keywords[:TELLING]),
    )
    return tuple(dict.fromkeys(filter(None, texts)))
