"""Image models behind the OpenAI images API (`/images/generations`), of OpenAI or a compatible server."""

from __future__ import annotations

import base64
import binascii
import urllib.request
from collections.abc import Sequence
from typing import Any

from PIL import Image

from copycat.cards.hooks import Hooks
from copycat.cards.models import ModelCard
from copycat.generators.base import Generator, ImageOutcome
from copycat.io.hosted import Api, Calls, check_options, connect, explain, refusal, stop_if_not_retryable
from copycat.io.pictures import MOST_BYTES, decode
from copycat.records import Request

_OURS = frozenset({"model", "prompt", "n", "size"})


class OpenAIImages(Generator):
    """One call a picture, `batch_size` of them at a time. Hosted models take no seed and no negative."""

    def __init__(self, card: ModelCard, device: str) -> None:  # noqa: ARG002  runs elsewhere
        self.identity, self.batch_size = card.identity(), card.batch_size
        self._card, self._api = card, card.api or Api()
        check_options(self._api, _OURS, card.title)
        self._client = connect(self._api, card.title)
        self._calls = Calls(card.batch_size)

    def draw(self, requests: Sequence[Request], hooks: Hooks) -> list[ImageOutcome]:  # noqa: ARG002
        return self._calls.map(self._one, requests, lambda _, why: ImageOutcome("error", error=why))

    def _one(self, request: Request) -> ImageOutcome:
        # Typed as Any: the options are the card's.
        call: Any = self._client.images.generate
        try:
            reply = call(
                model=self._card.source,
                prompt=request.prompt,
                n=1,
                size=f"{request.sampling.width}x{request.sampling.height}",
                **self._api.options,
            )
            item = reply.data[0]
            image = _picture(item.b64_json, item.url, self._api.timeout)
        except Exception as e:  # noqa: BLE001  whatever an API does becomes a row
            stop_if_not_retryable(e, self._card.title)
            words = refusal(e)
            if words:
                return ImageOutcome("refused_prompt", error=words)
            return ImageOutcome("error", error=explain(e))
        return ImageOutcome(
            "ok",
            image,
            revised_prompt=getattr(item, "revised_prompt", None),
            cost_usd=self._api.price_usd,
        )


def _picture(b64: str | None, url: str | None, timeout: float) -> Image.Image:
    """The picture, whole; raises ValueError, OSError or BadFile for one that is not."""
    if b64:
        try:
            content = base64.b64decode(b64, validate=True)
        except binascii.Error as e:
            raise ValueError(f"the picture is not base64 ({e})") from e
    elif url and url.startswith(("https://", "http://127.0.0.1:")):
        # Only https, or a server on this machine.
        with urllib.request.urlopen(url, timeout=timeout) as reply:  # noqa: S310
            content = reply.read(MOST_BYTES + 1)
    else:
        raise ValueError("the reply holds no picture")
    return decode(content, "the picture in the reply").image
