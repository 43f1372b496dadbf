"""A pipeline's text encoder by itself: what it makes of texts, and which are too long for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import transformers

from copycat.cards.models import ModelCard
from copycat.errors import UserError

_NO_LIMIT = 100_000
"""transformers writes a huge number where a tokenizer has no limit."""


def text_embedder(card: ModelCard, device: str = "cpu") -> Callable[[Sequence[str]], torch.Tensor]:
    """A function from n texts to float32 (n, width): the mean over their tokens, without the padding and
    the tokens that begin and end a text. The encoder is the pipeline's first, `text_encoder`.
    """
    tokenizer = load_tokenizer(card)
    with card.loading(card.title, "a pipeline with a text encoder"):
        kind = getattr(transformers, _encoder_class(card))
        encoder = kind.from_pretrained(
            card.location,
            subfolder="text_encoder",
            revision=card.commit(),
            use_safetensors=True,
            dtype=torch.float32,
        )
    encoder = encoder.to(device).eval()
    special = set(tokenizer.all_special_ids)

    @torch.inference_mode()
    def embed(texts: Sequence[str]) -> torch.Tensor:
        length = min(tokenizer.model_max_length, 77)
        batch = tokenizer(
            list(texts), padding="max_length", truncation=True, max_length=length, return_tensors="pt"
        )
        ids = batch["input_ids"]
        hidden = encoder(ids.to(device)).last_hidden_state.float().cpu()
        real = torch.tensor([[int(i) not in special for i in row] for row in ids.tolist()])[..., None]
        total: torch.Tensor = (hidden * real).sum(1) / real.sum(1).clamp(min=1)
        return total

    return embed


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


def load_tokenizer(card: ModelCard) -> Any:
    """The tokenizer of the pipeline's first text encoder; raises UserError where there is none to load."""
    if card.api:
        raise UserError(f"{card.title} is hosted, and its text encoder is not open; name another model.")
    with card.loading(card.title, "a pipeline with a tokenizer"):
        return transformers.AutoTokenizer.from_pretrained(
            card.location, subfolder="tokenizer", revision=card.commit()
        )


def _encoder_class(card: ModelCard) -> str:
    if card.folder:
        index = card.folder / "model_index.json"
    else:
        from huggingface_hub import hf_hub_download

        index = Path(hf_hub_download(card.source, "model_index.json", revision=card.commit()))
    return str(json.loads(index.read_text(encoding="utf-8"))["text_encoder"][1])
