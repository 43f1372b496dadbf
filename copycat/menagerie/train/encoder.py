"""The tokenizer and the image-text encoder (CLIP, Radford et al. 2021), trained on the corpus."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from copycat.menagerie.train.loop import Loop, mixed_precision

LENGTH = 32
"""Tokens of a prompt."""
WIDTH = 128


def train_tokenizer(captions: list[str]) -> Any:
    """A byte-pair tokenizer over the captions; names fall into two to four pieces."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    begin, end = "<|startoftext|>", "<|endoftext|>"
    t = Tokenizer(models.BPE(unk_token=end, end_of_word_suffix="</w>"))
    t.normalizer = normalizers.Lowercase()
    t.pre_tokenizer = pre_tokenizers.Whitespace()
    alphabet = list("abcdefghijklmnopqrstuvwxyz,.'-0123456789")
    trainer = trainers.BpeTrainer(
        vocab_size=520, special_tokens=[begin, end], end_of_word_suffix="</w>", initial_alphabet=alphabet
    )
    t.train_from_iterator(captions, trainer)
    ids = [(begin, t.token_to_id(begin)), (end, t.token_to_id(end))]
    t.post_processor = processors.TemplateProcessing(single=f"{begin} $A {end}", special_tokens=ids)
    return PreTrainedTokenizerFast(
        tokenizer_object=t,
        bos_token=begin,
        eos_token=end,
        pad_token=end,
        unk_token=end,
        model_max_length=LENGTH,
    )


def tokenise(tokenizer: Any, texts: list[str]) -> torch.Tensor:
    """Token ids, int64 of shape (n, LENGTH), padded as the pipeline pads."""
    ids = tokenizer(texts, padding="max_length", truncation=True, max_length=LENGTH)["input_ids"]
    return torch.tensor(ids)


def build(tokenizer: Any) -> tuple[Any, Any]:
    """The untrained text and vision towers."""
    from transformers import (
        CLIPTextConfig,
        CLIPTextModelWithProjection,
        CLIPVisionConfig,
        CLIPVisionModelWithProjection,
    )

    text = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=WIDTH,
        intermediate_size=3 * WIDTH,
        num_hidden_layers=3,
        num_attention_heads=4,
        max_position_embeddings=LENGTH,
        projection_dim=WIDTH,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    vision = CLIPVisionConfig(
        hidden_size=160,
        intermediate_size=480,
        num_hidden_layers=4,
        num_attention_heads=4,
        image_size=32,
        patch_size=8,
        projection_dim=WIDTH,
    )
    return CLIPTextModelWithProjection(text), CLIPVisionModelWithProjection(vision)


def train(text: Any, vision: Any, ids: torch.Tensor, pixels: torch.Tensor, steps: int, work: Path) -> float:
    """Contrastive training of both towers on (caption, picture) pairs; returns seconds."""
    device = next(text.parameters()).device
    scale = nn.ParameterDict({"logit": nn.Parameter(torch.tensor(2.65, device=device))})

    def prepare(g: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        pick = torch.randint(0, len(ids), (256,), generator=g)
        return ids[pick].to(device), as_input(pixels[pick]).to(device)

    def loss(batch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        captions, pictures = batch
        with mixed_precision(device):
            t, v = text(captions).text_embeds, vision(pictures).image_embeds
        t, v = F.normalize(t.float(), dim=-1), F.normalize(v.float(), dim=-1)
        logits = scale["logit"].exp().clamp(max=100) * t @ v.T
        truth = torch.arange(len(captions), device=device)
        return (F.cross_entropy(logits, truth) + F.cross_entropy(logits.T, truth)) / 2

    modules = {"text": text, "vision": vision, "scale": scale}
    return Loop("encoder", modules, steps=steps, lr=1e-3, work=work, weight_decay=0.05).run(prepare, loss)


def as_input(pixels: torch.Tensor) -> torch.Tensor:
    """uint8 (n, 32, 32, 3) to float (n, 3, 32, 32) in [-1, 1]."""
    return pixels.permute(0, 3, 1, 2).float() / 127.5 - 1
