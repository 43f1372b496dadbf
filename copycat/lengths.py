"""Whether texts fit what a model reads; the rest of a longer one is cut off, and nobody is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_NO_LIMIT = 100_000
"""transformers writes a huge number where a tokenizer has no limit."""


def overlong(texts: Mapping[str, Iterable[str]], tokenizers: Sequence[Any], reader: str) -> list[str]:
    """One sentence for each kind of text with some that have more tokens than `reader` takes.

    `texts` are by kind, as "prompts of name". Begin and end count. Of several text encoders the one that
    reads most decides, since it sees what the others miss.
    """
    if not tokenizers:
        return []
    tokenizer = max(tokenizers, key=lambda t: int(t.model_max_length))
    limit = int(tokenizer.model_max_length)
    if limit > _NO_LIMIT:
        return []
    told = []
    for kind, found in texts.items():
        lengths = [
            len(tokenizer(t, padding=False, truncation=False, verbose=False)["input_ids"]) for t in found
        ]
        long = sum(n > limit for n in lengths)
        if long:
            told.append(
                f"{long} of {len(lengths)} {kind} are longer than the {limit} tokens that {reader} reads "
                f"(up to {max(lengths)}); the rest of them is cut off."
            )
    return told
