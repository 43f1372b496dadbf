"""What a generator is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from PIL.Image import Image

from copycat.cards.catalog import Catalog
from copycat.cards.hooks import Conditioning, Denoise, Hooks, WeightEdit, variant_identity
from copycat.cards.metering import Charging
from copycat.cards.models import ModelCard
from copycat.cards.prices import Call, Tariff
from copycat.errors import BadFile, UserError
from copycat.io.hosted import Batches, Told, connect
from copycat.io.lifecycle import Closing
from copycat.io.words import words_or_none
from copycat.records import Outcome, Request


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
    """Of this picture, in US dollars; None where it is not known."""
    told: Told | None = None
    """What a hosted model's provider said of its answer."""
    reused: bool = False
    """Whether it was drawn for another run."""

    def __post_init__(self) -> None:
        # A server may send anything as text, and a row must be read back.
        for name in ("error", "revised_prompt"):
            object.__setattr__(self, name, words_or_none(getattr(self, name)))


class PicturesInBatches(ABC):
    """How a hosted model is asked for pictures in batches of its provider."""

    tariff: Tariff
    """What its calls cost there."""

    @abstractmethod
    def provider(self) -> Batches:
        """Where batches of its calls are sent; to be closed."""

    @abstractmethod
    def body(self, request: Request) -> Mapping[str, Any]:
        """What asks for the picture of `request`, as the body of a call."""

    @abstractmethod
    def read(self, request: Request, body: Mapping[str, Any]) -> ImageOutcome:
        """The outcome that an answer with this body comes to, with what it cost."""


class Generator(Closing, Charging, ABC):
    """Turns requests into pictures. Built from a model card and a device, and from weight edits where its
    weights are open; closed as :class:`copycat.io.lifecycle.Closing` says."""

    identity: str
    """Card name and weights identity."""
    batch_size: int
    sends_fields: ClassVar[bool] = False
    """Whether it sends the `body_fields` of a card."""
    batches: ClassVar[bool] = False
    """Whether it can be asked in batches of its provider, see :meth:`in_batches`."""
    open_weights: ClassVar[bool] = False
    """Whether the weights are in this process, so that edits, conditionings and denoise hooks can act."""

    @abstractmethod
    def __init__(self, card: ModelCard, device: str, edits: Sequence[WeightEdit] = ()) -> None: ...

    @classmethod
    def check(cls, card: ModelCard) -> None:
        """Raise a UserError for a card that this kind cannot draw; called before a run is begun."""
        if card.sampling.frames:
            raise BadFile(f"The card {card.name} asks for frames, which kind {card.kind} does not draw.")
        if card.body_fields and not cls.sends_fields:
            raise BadFile(f"The card {card.name} has body_fields, which kind {card.kind} does not send.")

    @classmethod
    def check_texts(cls, card: ModelCard, requests: Sequence[Request], *, ask: bool = True) -> None:
        """Raise a UserError where words of `requests` would not reach the model, as far as that is known
        without its weights. Without `ask` nothing is downloaded for it."""

    @classmethod
    def reach(cls, card: ModelCard) -> None:
        """Raise MissingRequirement when a hosted model's package or key is missing; nothing is sent."""
        if card.api:
            connect(card.api, card.title)

    @classmethod
    def probe(cls, card: ModelCard, requests: Sequence[Request]) -> tuple[str, ...]:  # noqa: ARG003
        """Sentences on what a server of one's own was found to do, where the card asks to `probe` it before
        `requests` are drawn; kept in the run's manifest.

        Raises UserError where `requests` have negative prompts that it ignores, and MissingRequirement where
        it is not there, does not serve the model or does not draw."""
        return ()

    @classmethod
    def call(cls, card: ModelCard, request: Request) -> Call:  # noqa: ARG003
        """What a hosted model is sent for `request`, for its price."""
        size = request.sampling.width, request.sampling.height
        return Call.of((request.prompt, request.negative), drawn=size)

    def generate(
        self,
        requests: Sequence[Request],
        *,
        conditionings: Mapping[str, Conditioning] | None = None,
        denoise: Denoise | None = None,
    ) -> list[ImageOutcome]:
        """One outcome a request, in order.

        All requests share their sampling and variant, and either all have a negative prompt or none has, and
        the same kind of conditioning or none. `conditionings` holds, by sha, those that the requests name;
        `denoise` wraps the denoiser for this call. A picture that fails is an `error` outcome and does not
        take its neighbours along. Raises UserError for conditionings and hooks unless weights are open.
        Of a model whose card has `api` it is called from several threads.
        """
        refuse_closed(type(self), self.identity.partition("@")[0], conditionings, denoise)
        return self.draw(requests, Hooks(conditionings or {}, denoise))

    @abstractmethod
    def draw(self, requests: Sequence[Request], hooks: Hooks) -> list[ImageOutcome]:
        """What :meth:`generate` promises; `hooks` is empty unless weights are open."""

    @property
    def pipeline(self) -> Any:
        """The one diffusers pipeline that it draws with, for who must look inside; None where there is none
        in this process, or several."""
        return None

    def in_batches(self) -> PicturesInBatches | None:
        """How it is asked in batches of its provider, which cost less and take up to a day; None where it
        cannot be asked so."""
        return None

    def stop(self) -> None:
        """Begin nothing more; for a hosted model, whose calls in flight are paid for and go on."""

    def cut_off(self, requests: Sequence[Request]) -> list[str]:  # noqa: ARG002
        """Sentences on prompts and negatives that are longer than the model reads, where that is known."""
        return []

    def remarks(self, requests: Sequence[Request]) -> list[str]:
        """What a reader of these requests' numbers must know, in sentences."""
        return self.cut_off(requests)


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


def load_generator(card: ModelCard, device: str, edits: Sequence[WeightEdit] = ()) -> Generator:
    """The generator that `card` asks for, on `device` (resolved, not `auto`), with its weights changed by
    `edits` in order. Raises UserError for edits of a model whose weights are not open."""
    kind = CATALOG.get(card.kind)
    refuse_closed(kind, card.title, edits)
    return kind(card, device, edits) if edits else kind(card, device)


@dataclass(frozen=True)
class ModelVariant:
    """A model with changed weights."""

    card: ModelCard
    edits: tuple[WeightEdit, ...] = ()
    """In the order in which they are applied."""

    @property
    def identity(self) -> str:
        """ "" for the model as it is, else a digest of the ordered identities of its edits."""
        return variant_identity(self.edits)

    def load(self, device: str) -> Generator:
        """Its generator on `device` (resolved, not `auto`). UserError for edits of a hosted model."""
        return load_generator(self.card, device, self.edits)


def refuse_closed(kind: type[Generator], model: str, *wanted: object) -> None:
    """Raise UserError where something is `wanted` that needs the weights, and `kind` does not have them."""
    if any(wanted) and not kind.open_weights:
        raise UserError(
            f"{model} runs elsewhere, so its weights, embeddings and denoiser are out of reach; use a "
            "mitigation that acts on the prompt or on the finished picture."
        )
