"""A pipeline's text encoder by itself: what it makes of texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import transformers

from copycat.cards.models import ModelCard
from copycat.errors import UserError
from copycat.generators.published import model_index
from copycat.io.documents import parse_json


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
            trust_remote_code=False,
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


def load_tokenizer(card: ModelCard) -> Any:
    """The tokenizer of the pipeline's first text encoder; raises UserError where there is none to load."""
    if card.api:
        raise UserError(f"{card.title} is hosted, and its text encoder is not open; name another model.")
    with card.loading(card.title, "a pipeline with a tokenizer"):
        return transformers.AutoTokenizer.from_pretrained(
            card.location, subfolder="tokenizer", revision=card.commit(), trust_remote_code=False
        )


def _encoder_class(card: ModelCard) -> str:
    return str(parse_json(model_index(card).read_text(encoding="utf-8"))["text_encoder"][1])
