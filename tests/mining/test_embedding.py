"""Ranking by the text encoder of a real pipeline folder."""

from __future__ import annotations

import pytest
import torch

from copycat.cards.models import load_card
from copycat.errors import UserError
from copycat.generators.reading import overlong, planned_reading
from copycat.generators.text_encoder import load_tokenizer, text_embedder
from copycat.mining.embedding import rank
from copycat.subjects.characters import load_registry
from tests.conftest import Tiny


def test_an_embedding_is_the_mean_over_the_texts_own_tokens(tiny_models: Tiny) -> None:
    from transformers import AutoTokenizer, CLIPTextModel

    embed = text_embedder(load_card(str(tiny_models.sd)))
    tokenizer = AutoTokenizer.from_pretrained(tiny_models.sd / "tokenizer")
    encoder = CLIPTextModel.from_pretrained(tiny_models.sd / "text_encoder").eval()
    batch = tokenizer(["owl cat"], padding="max_length", max_length=16, return_tensors="pt")
    with torch.inference_mode():
        hidden = encoder(batch["input_ids"]).last_hidden_state[0]
    known = {tokenizer.convert_tokens_to_ids(w) for w in ("owl", "cat")}
    at = [i for i, token in enumerate(batch["input_ids"][0].tolist()) if token in known]
    assert len(at) == 2
    torch.testing.assert_close(embed(["owl cat", "frog"])[0], hidden[at].mean(0))


def test_candidates_are_ranked_by_cosine_to_the_name(tiny_models: Tiny) -> None:
    registry = load_registry(str(tiny_models.registry))
    vectors = {"Zori": [1.0, 0.0], "owl": [1.0, 1.0], "cape": [5.0, 0.0], "frog": [-1.0, 0.0]}
    asked: list[str] = []

    def embed(texts: object) -> torch.Tensor:
        asked.extend(texts)  # type: ignore[call-overload]
        return torch.tensor([vectors[t if t in vectors else t.casefold()] for t in texts])  # type: ignore[attr-defined]

    ranked = list(rank({"zori": ["frog", "owl", "Owl", "cape", "Zokin"]}, registry, embed))
    assert [(t.term.casefold(), t.score) for t in ranked] == [
        ("cape", 1.0), ("owl", 0.707107), ("frog", -1.0),
    ]  # fmt: skip
    assert "Zokin" not in asked


def test_prompts_longer_than_the_encoder_reads_are_named(tiny_models: Tiny) -> None:
    card = load_card(str(tiny_models.sd))
    texts = {"prompts of short": ["owl, cat"], "prompts of long": [", ".join(["owl"] * 20)]}
    (told,) = overlong(texts, planned_reading(card))
    assert told.startswith("1 of 1 prompts of long are longer than the 16 tokens that sd reads (up to 39)")
    with pytest.raises(UserError, match="hosted"):
        load_tokenizer(load_card("gpt-image-1"))


def test_a_hosted_model_has_no_text_encoder_to_ask() -> None:
    with pytest.raises(UserError, match="hosted"):
        text_embedder(load_card("gpt-image-1"))
