"""Requests for guardrails that act while a picture is drawn."""

from __future__ import annotations

from typing import Any

from copycat.cards.models import ModelCard, load_card
from copycat.mitigations import Composition, parse
from copycat.mitigations.base import RunContext
from copycat.records import Request
from tests.contracts.test_mitigations import REGISTRY


def card_of(name: str, tiny_models: Any = None) -> ModelCard:
    """The menagerie's card, or that of one of the tiny models."""
    return load_card(name if tiny_models is None or name == "menagerie" else str(getattr(tiny_models, name)))


def request_of(
    card: ModelCard, spec: str, seed: int, *, prompt: str = "Zori the owl", steps: int = 3
) -> tuple[Request, Composition]:
    """A picture of Zori, shaped by `spec`, and the guardrails that shaped it."""
    composition = parse(spec).bind(RunContext(REGISTRY))
    sampling = card.sampling.model_copy(update={"steps": steps})
    raw = Request(
        model=card.identity(), character="zori", prompt_set="name", run_seed=0, seed=seed, mitigation=spec,
        source_prompt=prompt, prompt=prompt, sampling=sampling,
    )  # fmt: skip
    return composition.apply(raw, REGISTRY["zori"]).with_id(), composition
