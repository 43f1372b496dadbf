"""What a generator is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from copycat.api import connect
from copycat.catalog import Catalog
from copycat.errors import BadFile
from copycat.models import ModelCard
from copycat.records import Outcome, Request

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True)
class ImageOutcome:
    """What became of one request."""

    outcome: Outcome
    image: Image | None = None
    """None unless `ok`; of a video its first frame."""
    frames: tuple[Image, ...] = ()
    """All frames of a video, in order; empty for a picture."""
    error: str | None = None
    revised_prompt: str | None = None
    """What a hosted model made of the prompt."""
    cost_usd: float | None = None


class Generator(ABC):
    """Turns requests into pictures. Built from a model card and a device."""

    identity: str
    """Card name and weights identity."""
    batch_size: int

    @abstractmethod
    def __init__(self, card: ModelCard, device: str) -> None: ...

    @classmethod
    def check(cls, card: ModelCard) -> None:
        """Raise a UserError for a card that this kind cannot draw; called before a run is begun."""
        if card.sampling.frames:
            raise BadFile(f"The card {card.name} asks for frames, which kind {card.kind} does not draw.")

    @classmethod
    def reach(cls, card: ModelCard) -> None:
        """Raise MissingRequirement when a hosted model's package or key is missing; nothing is sent."""
        if card.api:
            connect(card.api, card.title)

    @abstractmethod
    def generate(self, requests: Sequence[Request]) -> list[ImageOutcome]:
        """One outcome a request, in order.

        All requests share their sampling, and either all have a negative prompt or none has. A picture
        that fails is an `error` outcome and does not take its neighbours along.
        """

    def cut_off(self, requests: Sequence[Request]) -> list[str]:  # noqa: ARG002
        """Sentences on prompts and negatives that are longer than the model reads, where that is known."""
        return []


CATALOG: Catalog[type[Generator]] = Catalog(
    "generators",
    singular="generator kind",
    builtin={
        "diffusers-cascade": "copycat.generators.cascade:Cascade",
        "diffusers-image": "copycat.generators.diffusers_image:DiffusersImage",
        "diffusers-video": "copycat.generators.diffusers_video:DiffusersVideo",
        "inference-providers": "copycat.generators.inference_providers:InferenceProviders",
        "openai-images": "copycat.generators.openai_images:OpenAIImages",
    },
)


def load_generator(card: ModelCard, device: str) -> Generator:
    """The generator that `card` asks for, on `device` (resolved, not `auto`)."""
    return CATALOG.get(card.kind)(card, device)
