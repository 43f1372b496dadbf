"""Drawing under a hook that may need further texts encoded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from copycat.cards.hooks import Denoise, Steering
from copycat.cards.models import ModelCard
from copycat.diffusion.denoising import denoising
from copycat.diffusion.tap import Tap
from copycat.diffusion.tokens import word_places
from copycat.records import Request


@contextmanager
def steered(
    pipeline: Any, card: ModelCard, requests: Sequence[Request], hook: Denoise | None
) -> Iterator[None]:
    """As :func:`copycat.diffusion.denoising.denoising`, with the texts encoded that a
    :class:`copycat.cards.hooks.Steering` names."""
    said, places = {}, {}
    if isinstance(hook, Steering):
        tap = Tap(pipeline, card, steps=1)
        for text in dict.fromkeys(text for r in requests for text in hook.texts(r)):
            said[text] = tap.arguments([text]).arguments
            found = word_places(pipeline, text)
            if found is not None:
                places[text] = found
    with denoising(pipeline, requests, hook, said, places):
        yield
