"""Image models behind HuggingFace's inference providers, or an inference endpoint of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PIL.Image import Image

from copycat.cards.hooks import Hooks
from copycat.cards.metering import LedgerMeter, usage_of
from copycat.cards.models import ModelCard
from copycat.cards.prices import tariff
from copycat.errors import BadFile, CopycatError
from copycat.generators.base import Generator, ImageOutcome
from copycat.io.hosted import Api, Calls, check_options, explain, in_thread, key
from copycat.io.ledger import Ledger
from copycat.io.pictures import convert
from copycat.io.secrets import redact
from copycat.records import Request

_OURS = frozenset(
    {"prompt", "negative_prompt", "height", "width", "num_inference_steps", "guidance_scale", "seed"}
)
_WITHHELD = ("nsfw", "safety", "moderat", "content polic", "copyright")
"""What a provider's refusal says; there is no code that all of them share."""
_SEEDS = 2**31
"""Providers take seeds below this."""


class InferenceProviders(Generator):
    """One call a picture, through `huggingface_hub.InferenceClient`.

    Unlike the OpenAI API it passes on the negative prompt, guidance, steps and a seed. `api.options` may
    hold `provider` (the account's choice when left out); the others go to the model. With `api.base_url`
    an endpoint of that address is asked instead.
    """

    charges = True

    def __init__(self, card: ModelCard, device: str) -> None:  # noqa: ARG002  runs elsewhere
        from huggingface_hub import InferenceClient

        self.identity, self.batch_size = card.identity(), card.batch_size
        self._card, self._api = card, card.api or Api()
        check_options(self._api, _OURS, card.title)
        options: dict[str, Any] = dict(self._api.options)
        self._client = InferenceClient(
            provider=options.pop("provider", None),
            api_key=key(self._api, card.title),
            base_url=self._api.base_url,
            timeout=self._api.timeout,
        )
        self._more, self._calls = options, Calls(self._api, card.title, card.batch_size)

    def charge(self, ledger: Ledger) -> None:
        self._calls.meter = LedgerMeter(tariff(self._card), "picture", ledger)

    @classmethod
    def reach(cls, card: ModelCard) -> None:
        key(card.api or Api(), card.title)

    def draw(self, requests: Sequence[Request], hooks: Hooks) -> list[ImageOutcome]:  # noqa: ARG002
        return self._calls.map(self._one, requests, lambda _, why: ImageOutcome("error", error=why))

    def stop(self) -> None:
        self._calls.stop()

    def _one(self, request: Request) -> ImageOutcome:
        call = self.call(self._card, request)
        try:
            # The client's asynchronous form fetches some providers' pictures synchronously, one by one.
            answered = self._calls.call(lambda: in_thread(lambda: self._ask(request)), call)
            told = answered.told
            cost = tariff(self._card).cost(usage_of(told), call)
            try:
                image = convert(answered.reply, "the picture in the reply").image
            except BadFile as e:
                # Paid, if it is no picture.
                return ImageOutcome("error", error=str(e), told=told, cost_usd=cost)
        except CopycatError:
            raise
        except Exception as e:  # noqa: BLE001  whatever an API does becomes a row
            words = _refusal(e)
            if words:
                return ImageOutcome("refused_prompt", error=words)
            return ImageOutcome("error", error=explain(e))
        if image.getbbox() is None:
            # What several providers send in place of a picture that they withhold, and bill.
            why = "the picture is entirely black"
            return ImageOutcome("refused_output", error=why, told=told, cost_usd=cost)
        return ImageOutcome("ok", image, cost_usd=cost, told=told)

    def _ask(self, request: Request) -> Image:
        sampling = request.sampling
        return self._client.text_to_image(
            request.prompt,
            negative_prompt=request.negative or self._card.empty_negative,
            height=sampling.height,
            width=sampling.width,
            num_inference_steps=sampling.steps,
            guidance_scale=sampling.guidance,
            seed=request.seed % _SEEDS,
            model=None if self._api.base_url else self._card.source,
            extra_body=self._more or None,
        )


def _words(error: Any) -> str:
    said = str(getattr(error, "server_message", None) or error.response.text or error)
    return redact(" ".join(said.split()))[:300]


def _refusal(error: Exception) -> str | None:
    """The provider's words when it declined for what was asked; None for any other failure."""
    if getattr(getattr(error, "response", None), "status_code", 0) not in {400, 422, 451}:
        return None
    words = _words(error)
    return words if any(mark in words.casefold() for mark in _WITHHELD) else None
