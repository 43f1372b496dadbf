"""Held pictures: drawn, and not in the run's rows yet; a part of generate.

A picture is kept in the run when all its filters have seen it. Where a judge fails, such as one whose server
is down, the picture would be lost, and drawn and paid again. It is held in the run's folder instead, and the
next command reviews it in place of another one. What comes of batches of a provider is held too, until the
run takes it as if it had just been drawn. Videos are not held.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict

from copycat.errors import BadFile
from copycat.generators.base import ImageOutcome
from copycat.io.hosted import Told
from copycat.io.pictures import decode
from copycat.io.secrets import redact
from copycat.io.store import Kept, Store
from copycat.records import Request
from copycat.stages.cache import Draw
from copycat.stages.keep import png

Group = tuple[Sequence[Request], Sequence[ImageOutcome]]
"""Requests that were drawn together, with what became of each."""


class Held:
    """The held pictures of one run."""

    def __init__(self, store: Store, keys: Callable[[Sequence[Request]], list[str]]) -> None:
        """`keys` gives what the pictures of requests that are drawn together go by, which is all that decides
        their pixels."""
        self._store, self._keys = store, keys

    def draw(self, requests: Sequence[Request], draw: Draw) -> list[ImageOutcome]:
        """What is held of `requests`, in order; where one is not, all are drawn by `draw`."""
        if not self._store.folder.is_dir():
            return draw(requests)
        kept = [self._store.get(key) for key in self._keys(requests)]
        found = [outcome for k in kept if k is not None and (outcome := _outcome(k)) is not None]
        return found if len(found) == len(requests) else draw(requests)

    def keep(self, drawn: Sequence[Group]) -> None:
        """Hold what was `drawn`; on disk when this returns. Of what was drawn together nothing is held where
        one of it failed. Raises MissingRequirement where the disk has no room for it."""
        for requests, outcomes in drawn:
            if any(o.outcome == "error" or o.frames for o in outcomes):
                continue
            for key, o in zip(self._keys(requests), outcomes, strict=True):
                told = {
                    "outcome": o.outcome,
                    "error": _redacted(o.error),
                    "revised_prompt": _redacted(o.revised_prompt),
                    "cost_usd": o.cost_usd,
                    "told": asdict(o.told) if o.told else None,
                    "reused": o.reused,
                }
                self._store.put(key, png(o.image) if o.image is not None else b"", **told)

    def holds(self, request: Request) -> bool:
        """Whether what became of `request`, drawn alone, is held."""
        return self._store.folder.is_dir() and self._store.get(self._keys([request])[0]) is not None


def _outcome(kept: Kept) -> ImageOutcome | None:
    told = dict(kept.told)
    try:
        image = decode(kept.content, "a held picture").image if kept.content else None
        provider = told.pop("told")
        return ImageOutcome(image=image, told=Told(**provider) if provider else None, **told)
    except (BadFile, TypeError, KeyError):
        return None


def _redacted(text: str | None) -> str | None:
    return None if text is None else redact(text)
