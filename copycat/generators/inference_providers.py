"""Image models behind HuggingFace's inference providers, or an inference endpoint of one's own."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from PIL.Image import Image

from copycat.cards.hooks import Hooks
from copycat.cards.models import ModelCard
from copycat.errors import MissingRequirement
from copycat.generators.base import Generator, ImageOutcome
from copycat.io.hosted import Api, Calls, check_options, explain, key
from copycat.io.pictures import convert
from copycat.io.secrets import redact
from copycat.records import Request

_OURS = frozenset(
    {"prompt", "negative_prompt", "height", "width", "num_inference_steps", "guidance_scale", "seed"}
)
_NOT_RETRYABLE = frozenset({401, 402, 403, 404})
"""Statuses that no further call can mend: no key, no money, no access, no such model."""
_WITHHELD = ("nsfw", "safety", "moderat", "content polic", "copyright")
"""What a provider's refusal says; there is no code that all of them share."""
_SEEDS = 2**31
"""Providers take seeds below this."""
_LONGEST_WAIT = 60.0


class InferenceProviders(Generator):
    """One call a picture, `batch_size` of them at a time, through `huggingface_hub.InferenceClient`.

    Unlike the OpenAI API it passes on the negative prompt, guidance, steps and a seed. `api.options` may
    hold `provider` (the account's choice when left out); the others go to the model. With `api.base_url`
    an endpoint of that address is asked instead.
    """

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
        self._more, self._calls = options, Calls(card.batch_size)

    @classmethod
    def reach(cls, card: ModelCard) -> None:
        key(card.api or Api(), card.title)

    def draw(self, requests: Sequence[Request], hooks: Hooks) -> list[ImageOutcome]:  # noqa: ARG002
        return self._calls.map(self._one, requests, lambda _, why: ImageOutcome("error", error=why))

    def _one(self, request: Request) -> ImageOutcome:
        try:
            image = convert(self._ask(request), "the picture in the reply").image
        except MissingRequirement:
            raise
        except Exception as e:  # noqa: BLE001  whatever an API does becomes a row
            words = _refusal(e)
            if words:
                return ImageOutcome("refused_prompt", error=words)
            return ImageOutcome("error", error=explain(e))
        if image.getbbox() is None:
            # What several providers send in place of a picture that they withhold.
            return ImageOutcome("refused_output", error="the picture is entirely black")
        return ImageOutcome("ok", image, cost_usd=self._api.price_usd)

    def _ask(self, request: Request) -> Image:
        """One picture, after as many attempts as the card allows. Raises MissingRequirement."""
        from huggingface_hub.errors import HfHubHTTPError, InferenceTimeoutError

        for attempt in range(self._api.retries + 1):
            last = attempt == self._api.retries
            try:
                return self._call(request)
            except HfHubHTTPError as e:
                status = e.response.status_code
                if status in _NOT_RETRYABLE:
                    raise MissingRequirement(
                        f"{self._card.title} cannot be used ({_words(e)}); what is finished is kept, and the "
                        "same command resumes."
                    ) from e
                if last or not (status == 429 or status >= 500):
                    raise
                time.sleep(_wait(e.response.headers.get("Retry-After"), attempt))
            except InferenceTimeoutError:
                if last:
                    raise
        raise AssertionError("the last attempt returns or raises")

    def _call(self, request: Request) -> Image:
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


def _wait(told: str | None, attempt: int) -> float:
    """Seconds until the next attempt: what the server says, else 0.5, 1, 2, …"""
    try:
        return min(float(told or ""), _LONGEST_WAIT)
    except ValueError:
        return float(min(0.5 * 2**attempt, _LONGEST_WAIT))


def _words(error: Any) -> str:
    said = str(getattr(error, "server_message", None) or error.response.text or error)
    return redact(" ".join(said.split()))[:300]


def _refusal(error: Exception) -> str | None:
    """The provider's words when it declined for what was asked; None for any other failure."""
    if getattr(getattr(error, "response", None), "status_code", 0) not in {400, 422, 451}:
        return None
    words = _words(error)
    return words if any(mark in words.casefold() for mark in _WITHHELD) else None
