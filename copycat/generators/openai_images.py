"""Image models behind the OpenAI images API (`/images/generations`), of OpenAI or a compatible server."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from copycat.cards.hooks import Hooks
from copycat.cards.metering import LedgerMeter, usage_of
from copycat.cards.models import BodyField, ModelCard
from copycat.cards.prices import Tariff, tariff
from copycat.errors import BadFile, CopycatError, require
from copycat.generators.base import Generator, ImageOutcome, PicturesInBatches
from copycat.generators.probing import probe
from copycat.io.hosted import (
    Answered,
    Api,
    Batches,
    Calls,
    Told,
    check_options,
    check_serving,
    connect,
    explain,
    refusal,
)
from copycat.io.ledger import Ledger
from copycat.io.pictures import decode
from copycat.records import Request

_OURS = frozenset({"model", "prompt", "n", "size"})
_SEEDS = 2**31
"""Servers take seeds below this."""


class OpenAIImages(Generator):
    """One call a picture. OpenAI's models take no seed and no negative; a server of one's own is sent what
    its card names in `body_fields`."""

    charges = True
    sends_fields = True
    batches = True

    def __init__(self, card: ModelCard, device: str) -> None:  # noqa: ARG002  runs elsewhere
        self.identity, self.batch_size = card.identity(), card.batch_size
        self._card, self._api = card, card.api or Api()
        check_options(self._api, _OURS | set(card.body_fields.values()), card.title)
        self._tariff = tariff(card)
        client = connect(self._api, card.title)
        # Typed as Any: the options are the card's.
        self._send: Any = client.images.generate
        self._calls = Calls(self._api, card.title, card.batch_size, hang_up=client.close)
        # Not through the API's client: pictures may lie with somebody else, who gets no key.
        plain = require("openai", "openai>=2.0", card.title).DefaultAsyncHttpxClient()
        self._fetch: Any = plain.get
        who = f"The pictures of {card.title}"
        self._downloads = Calls(self._api, who, card.batch_size, hang_up=plain.aclose)

    @classmethod
    def check(cls, card: ModelCard) -> None:
        super().check(card)
        if card.negative_prompt and "negative" not in card.body_fields:
            raise BadFile(
                f"The card {card.name} says that its model takes a negative prompt, and none would be sent: "
                "name the field that its server reads (`body_fields: {negative: negative_prompt}`), or say "
                "`negative_prompt: false`."
            )

    @classmethod
    def probe(cls, card: ModelCard, requests: Sequence[Request]) -> tuple[str, ...]:
        if card.api is None or not card.api.probe:
            return ()
        check_serving(card.api, card.source, card.title)
        with cls(card, "cpu") as generator:
            return probe(card, requests, generator._one)

    def charge(self, ledger: Ledger) -> None:
        self._calls.meter = LedgerMeter(self._tariff, "picture", ledger)

    def draw(self, requests: Sequence[Request], hooks: Hooks) -> list[ImageOutcome]:  # noqa: ARG002
        return self._calls.map(self._one, requests, lambda _, why: ImageOutcome("error", error=why))

    def stop(self) -> None:
        self._calls.stop()

    def _one(self, request: Request) -> ImageOutcome:
        try:
            answered = self._calls.call(lambda: self._ask(request), self.call(self._card, request))
        except CopycatError:
            raise
        except Exception as e:  # noqa: BLE001  whatever an API does becomes a row
            return _failed(e)
        return self.drawn(request, answered, self._tariff)

    def drawn(self, request: Request, answered: Answered[Any], prices: Tariff) -> ImageOutcome:
        """What a reply comes to, with what it cost by `prices`: it is paid, if it is no picture."""
        cost = prices.cost(usage_of(answered.told), self.call(self._card, request))
        try:
            item = answered.reply.data[0]
            content = self._content(item.b64_json, item.url)
            image = decode(content, "the picture in the reply").image
        except BadFile as e:
            return ImageOutcome("error", error=str(e), told=answered.told, cost_usd=cost)
        except CopycatError:
            raise
        except Exception as e:  # noqa: BLE001  whatever an API does becomes a row
            return replace(_failed(e), told=answered.told, cost_usd=cost)
        revised = getattr(item, "revised_prompt", None)
        return ImageOutcome("ok", image, revised_prompt=revised, cost_usd=cost, told=answered.told)

    def in_batches(self) -> ImagesInBatches:
        return ImagesInBatches(self, self._card)

    async def _ask(self, request: Request) -> Any:
        # As they are: a server of one's own knows fields that the client does not.
        return await self._send(**sent(self._card, request), extra_body=more(self._card, request))

    def _content(self, b64: str | None, url: str | None) -> bytes:
        """The picture's file. One that lies elsewhere is fetched as often as a call is repeated, and not paid
        again. Raises ValueError for a reply without a picture."""
        if b64:
            try:
                return base64.b64decode(b64, validate=True)
            except binascii.Error as e:
                raise ValueError(f"the picture is not base64 ({e})") from e
        if url and url.startswith(("https://", "http://127.0.0.1:")):
            # Only https, or a server on this machine.
            return self._downloads.call(lambda: self._download(url)).reply
        raise ValueError("the reply holds no picture")

    async def _download(self, url: str) -> bytes:
        reply = await self._fetch(url)
        if reply.status_code in {401, 403, 404, 410}:
            # That of one picture, and not of the model.
            raise ValueError(f"the picture cannot be fetched ({reply.status_code})")
        return bytes(reply.raise_for_status().content)


class ImagesInBatches(PicturesInBatches):
    """The same pictures as calls of a batch: with the same fields, and read in the same way."""

    def __init__(self, generator: OpenAIImages, card: ModelCard) -> None:
        self._generator, self._card = generator, card
        self.tariff = tariff(card, batch=True)

    def provider(self) -> Batches:
        return Batches(self._card.api or Api(), self._card.title, "/v1/images/generations")

    def body(self, request: Request) -> Mapping[str, Any]:
        return {**sent(self._card, request), **more(self._card, request)}

    def read(self, request: Request, body: Mapping[str, Any]) -> ImageOutcome:
        types = require("openai.types", "openai>=2.0", self._card.title)
        # Not validated, as the client does not validate replies either: they are read with care.
        reply = types.ImagesResponse.construct(**body)
        return self._generator.drawn(request, Answered(reply, Told.read(reply, 1)), self.tariff)


def _failed(error: Exception) -> ImageOutcome:
    """What a call without a picture comes to."""
    words = refusal(error)
    return (
        ImageOutcome("refused_prompt", error=words) if words else ImageOutcome("error", error=explain(error))
    )


def sent(card: ModelCard, request: Request) -> dict[str, Any]:
    """What is sent for `request`, of the fields that OpenAI's API has."""
    size = f"{request.sampling.width}x{request.sampling.height}"
    return {"model": card.source, "prompt": request.prompt, "n": 1, "size": size}


def more(card: ModelCard, request: Request) -> dict[str, Any]:
    """What else is sent: the card's options, and what the server of `card` has names for."""
    return {**(card.api or Api()).options, **body(card, request)}


def body(card: ModelCard, request: Request) -> dict[str, Any]:
    """What of `request` is sent beyond OpenAI's API, by the names that the server of `card` has for it."""
    values: dict[BodyField, Any] = {
        "seed": request.seed % _SEEDS,
        "negative": request.negative or card.empty_negative,
        "steps": request.sampling.steps,
        "guidance": request.sampling.guidance,
    }
    return {name: values[field] for field, name in card.body_fields.items() if values[field] is not None}
