"""One small mitigation for each hook that reaches into a model, as somebody else's package would hold it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from pydantic import Field

from copycat.cards.hooks import Conditioning, DenoiseStep, WeightEdit
from copycat.mitigations import CATALOG, Mitigation, Options
from copycat.records import Request
from copycat.subjects.characters import Character


class ScaleOptions(Options):
    by: float = Field(default=0.5, gt=0)
    """Factor of the weights."""


MADE: list[str] = []
"""Identities of the edits that were computed, and not found in the cache."""


class ScaledProjection(WeightEdit):
    """Scales the first value projection that looks at the prompt."""

    def make(self, pipeline: Any, folder: Path, card: Any) -> None:
        weight = _projection(pipeline).weight
        safetensors.torch.save_file(
            {"weight": weight.detach() * self.options["by"]}, folder / "w.safetensors"
        )
        MADE.append(self.identity)
        # It may change what it is given, as training would.
        torch.nn.init.zeros_(weight)

    def apply(self, pipeline: Any, folder: Path) -> None:
        with torch.no_grad():
            _projection(pipeline).weight.copy_(
                safetensors.torch.load_file(folder / "w.safetensors")["weight"]
            )


def _projection(pipeline: Any) -> torch.nn.Linear:
    modules = pipeline.unet.named_modules()
    return next(m for name, m in modules if name.endswith("attn2.to_v"))


class Scale(Mitigation[ScaleOptions]):
    """Scales one projection of the denoiser."""

    name = "test-scale"
    options = ScaleOptions

    @property
    def needs_target(self) -> bool:
        return False

    def edit_model(self, base: str) -> WeightEdit:
        return ScaledProjection("scale-1", self.config.model_dump(), base)


class TokenOptions(Options):
    token: str
    """One token of the tokenizer."""
    width: int = 16
    """Of the text encoder."""


class Token(Mitigation[TokenOptions]):
    """Replaces the embedding of one token in the first text encoder."""

    name = "test-token"
    options = TokenOptions

    def edit_conditioning(
        self, request: Request, character: Character, conditioning: Conditioning | None
    ) -> Conditioning:
        known = conditioning.tokens.get("text_encoder", {}) if conditioning else {}
        vector = torch.linspace(-1, 1, self.config.width)
        return Conditioning(tokens={"text_encoder": {**known, self.config.token: vector}})


class PushOptions(Options):
    by: float = 0.3
    """Added to every number of the prediction."""


class Push(Mitigation[PushOptions]):
    """Adds a vector to the prediction."""

    name = "test-push"
    options = PushOptions

    def denoise(self, step: DenoiseStep) -> torch.Tensor:
        assert len(step.requests) == len(step.latents)
        return step.predict() + self.config.by


def install(patch: pytest.MonkeyPatch) -> None:
    """Put them into the catalogue, until `patch` is undone."""
    for kind in (Scale, Token, Push):
        patch.setitem(CATALOG.builtin, kind.name, f"{__name__}:{kind.__name__}")
