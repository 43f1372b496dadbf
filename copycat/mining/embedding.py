"""Words whose embedding is near the name's, in the target model's own text encoder.

EmbeddingSim of He et al. 2024 (Algorithm 1): candidates are ranked by the cosine between their text's
embedding and the name's, where a text's embedding is the mean of its tokens' last hidden states.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import transformers

from copycat.characters import Registry
from copycat.hub import loading
from copycat.loading import quiet_loading
from copycat.mining.ranking import Term, kind_of
from copycat.mining.tokens import load_tokenizer
from copycat.models import ModelCard

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
        order = sorted(zip(near, texts, strict=True), key=lambda x: (-x[0], x[1]))
        for i, (score, word) in enumerate(order[:keep], 1):
            yield Term(
                character=c.slug, rank=i, term=word, kind=kind_of(word, registry), score=round(score, 6)
            )


def text_embedder(card: ModelCard, device: str = "cpu") -> Embed:
    """A function from n texts to float32 (n, width): the mean over their tokens, without the padding and
    the tokens that begin and end a text. The encoder is the pipeline's first, `text_encoder`.
    """
    tokenizer = load_tokenizer(card)
    source = str(card.folder) if card.folder else card.source
    where: dict[str, Any] = {} if card.folder else {"revision": card.commit()}
    with loading(card.folder, source, card.title, "a pipeline with a text encoder"), quiet_loading():
        kind = getattr(transformers, _class_of(card, source, where))
        encoder = kind.from_pretrained(
            source, subfolder="text_encoder", use_safetensors=True, dtype=torch.float32, **where
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


def _class_of(card: ModelCard, source: str, where: dict[str, Any]) -> str:
    if card.folder:
        index = card.folder / "model_index.json"
    else:
        from huggingface_hub import hf_hub_download

        index = Path(hf_hub_download(source, "model_index.json", **where))
    return str(json.loads(index.read_text(encoding="utf-8"))["text_encoder"][1])
