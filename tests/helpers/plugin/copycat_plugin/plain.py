"""A kind of generator, and a model of that kind: one colour for a request, from a palette of weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image
from safetensors.numpy import load_file

from copycat.cards.hooks import Hooks, WeightEdit
from copycat.cards.models import ModelCard
from copycat.generators.base import Generator, ImageOutcome
from copycat.records import Request, Sampling


class Plain(Generator):
    def __init__(self, card: ModelCard, device: str, edits: Sequence[WeightEdit] = ()) -> None:
        self.identity, self.batch_size = card.identity(), card.batch_size
        self._palette = load_file(Path(card.source) / "palette.safetensors")["colours"]

    def draw(self, requests: Sequence[Request], hooks: Hooks) -> list[ImageOutcome]:
        return list(map(self._draw, requests))

    def _draw(self, request: Request) -> ImageOutcome:
        if "unspeakable" in request.prompt:
            return ImageOutcome("error", error="there is no colour for that")
        colour = self._palette[(request.seed + len(request.prompt)) % len(self._palette)]
        size = (request.sampling.width, request.sampling.height)
        return ImageOutcome("ok", Image.new("RGB", size, tuple(map(int, colour))))


CARD = ModelCard(
    name="plain",
    title="Plain colours",
    kind="plain",
    source=str(Path(__file__).parent / "weights"),
    batch_size=4,
    sampling=Sampling(steps=1, guidance=1, height=16, width=16),
    negative_prompt=False,
    negative_advice="it reads only how long a prompt is",
    licence="CC0-1.0",
    settings_source="made for tests",
    judge="redness",
)
