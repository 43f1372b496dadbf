"""Words whose embedding is near the name's, in the target model's own text encoder.

EmbeddingSim of He et al. 2024 (Algorithm 1): candidates are ranked by the cosine between their text's
embedding and the name's, where a text's embedding is the mean of its tokens' last hidden states
(:func:`copycat.generators.text_encoder.text_embedder`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import torch

from copycat.mining.ranking import Term, ranked
from copycat.subjects.characters import Registry

Embed = Callable[[Sequence[str]], torch.Tensor]


def rank(
    candidates: Mapping[str, Sequence[str]], registry: Registry, embed: Embed, *, keep: int = 50
) -> Iterator[Term]:
    """Each character's candidates by cosine to its name, in [-1, 1], nearest first.

    `candidates` is by slug; those that hold the character's own name are left out, and so are repetitions
    that differ in case alone.
    """
    for c in registry.characters:
        words = {w.casefold(): w for w in candidates.get(c.slug, ()) if c.slug not in registry.mentioned(w)}
        if not words:
            continue
        texts = list(words.values())
        name, *rows = embed([c.name, *texts])
        near = torch.nn.functional.cosine_similarity(torch.stack(rows), name[None]).tolist()
        order = sorted(zip(texts, near, strict=True), key=lambda x: (-x[1], x[0]))
        yield from ranked(c, order[:keep], registry)
