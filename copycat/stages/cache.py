"""Pictures and answers of other runs: what was made of the same request is not made and paid again.

A picture is known by everything that decides its pixels. Of a hosted model that is the request (prompt,
negative, sampling, seed, mitigation, place in the plan), and how the model is reached: kind, name, address
and options. Of a model on this machine also the whole batch, since in other company sums round differently,
and device, precision and versions; so what is reused is bit for bit what would be drawn. Only pictures that
came out and answers that score are kept: refusals and failures never are.
"""

from __future__ import annotations

import hashlib
import io
import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any

from pydantic import ValidationError

from copycat.cards.judges import JudgeCard
from copycat.cards.models import ModelCard
from copycat.cards.weights import Card
from copycat.errors import BadFile, MissingRequirement, first_line
from copycat.generators.base import ImageOutcome
from copycat.io.pictures import decode
from copycat.io.secrets import clean, redact
from copycat.io.store import ANSWERS, PICTURES, Kept, cache, key_of
from copycat.judges.base import question_hash
from copycat.records import Question, Request, Verdict, request_id
from copycat.runtime import environment

_VERSION = 1
"""Counted up when what decides a picture or an answer changes without being part of its key."""

Draw = Callable[[Sequence[Request]], list[ImageOutcome]]
_LOG = logging.getLogger(__name__)


def wanted(card: Card, chosen: bool | None) -> bool:
    """Whether what `card`'s model makes is kept and reused: as was chosen, else of hosted models alone, whose
    pictures and answers cost money."""
    return card.api is not None if chosen is None else chosen


class _Shelf:
    """A part of the user's cache that may turn out not to be writable: that is said once, and nothing more is
    kept there, while what was paid goes on to its run. Threads may share it."""

    def __init__(self, part: str) -> None:
        self._store = cache(part)
        self._writable, self._lock = True, threading.Lock()

    def get(self, key: str) -> Kept | None:
        return self._store.get(key)

    def put(self, key: str, content: bytes, **told: Any) -> None:
        if not self._writable:
            return
        try:
            self._store.put(key, content, **told)
        except (MissingRequirement, OSError) as e:
            with self._lock:
                first, self._writable = self._writable, False
            if first:
                why = getattr(e.__cause__ or e, "strerror", None) or first_line(e)
                _LOG.warning(
                    "%s cannot be written (%s): this run goes on, and nothing more is kept there for others.",
                    self._store.folder,
                    why,
                )


class PictureCache:
    """The pictures that one model draws on one device."""

    def __init__(self, card: ModelCard, device: str, chosen: bool | None) -> None:
        on = wanted(card, chosen) and not card.sampling.frames
        self._store = _Shelf(PICTURES) if on else None
        self._hosted = card.api is not None
        self._made_by = _reached(card) if self._hosted else _here(card, device)

    def draw(self, requests: Sequence[Request], draw: Draw) -> list[ImageOutcome]:
        """An outcome for each of `requests`, in order; what is not kept is drawn by `draw`, and then kept."""
        if self._store is None:
            return draw(requests)
        keys = self.keys(requests)
        found = [self._get(key) for key in keys]
        if not self._hosted and None in found:
            # A batch is taken whole, or drawn whole: its pictures are made among one another.
            found = [None] * len(found)
        missing = [i for i, outcome in enumerate(found) if outcome is None]
        if missing:
            for i, outcome in zip(missing, draw([requests[i] for i in missing]), strict=True):
                found[i] = outcome
                self._keep(keys[i], outcome)
        return [outcome for outcome in found if outcome is not None]

    def holds(self, request: Request) -> bool:
        """Whether a hosted model's picture of `request` is kept."""
        return self._store is not None and self._hosted and self._get(self.keys([request])[0]) is not None

    def keys(self, requests: Sequence[Request]) -> list[str]:
        """What the pictures of one batch are kept under."""
        # Made anew: a picture that is drawn again has another seed under the same identity.
        ids = [request_id(r) for r in requests]
        company = None if self._hosted else ids
        made = {"version": _VERSION, "by": self._made_by, "company": company}
        return [
            key_of({**made, "request": i, "place": None if self._hosted else n}) for n, i in enumerate(ids)
        ]

    def keep(self, request: Request, outcome: ImageOutcome) -> None:
        """Keep what a hosted model drew for `request`; what is no picture is not."""
        self._keep(self.keys([request])[0], outcome)

    def _get(self, key: str) -> ImageOutcome | None:
        kept = self._store.get(key) if self._store else None
        if kept is None:
            return None
        try:
            image = decode(kept.content, "a kept picture").image
        except BadFile:
            return None
        return ImageOutcome(
            "ok", image, revised_prompt=kept.told.get("revised_prompt"), cost_usd=0.0, reused=True
        )

    def _keep(self, key: str, outcome: ImageOutcome) -> None:
        if self._store is None or outcome.outcome != "ok" or outcome.image is None or outcome.frames:
            return
        png = io.BytesIO()
        outcome.image.save(png, format="PNG")
        revised = outcome.revised_prompt
        self._store.put(key, png.getvalue(), revised_prompt=None if revised is None else redact(revised))


class AnswerCache:
    """The answers of one hosted judge. Those of a judge on this machine are not kept: they cost time alone,
    and round differently in other company."""

    def __init__(self, card: JudgeCard, identity: str, chosen: bool | None) -> None:
        on = card.api is not None and wanted(card, chosen)
        self._store = _Shelf(ANSWERS) if on else None
        self._made_by = {**_reached(card), "identity": identity}

    def get(self, question: Question) -> Verdict | None:
        """The answer to `question` about the very same picture, as the verdict on it; None for none."""
        kept = self._store.get(self._key(question)) if self._store else None
        if kept is None:
            return None
        try:
            said = Verdict.model_validate_json(kept.content)
        except ValidationError:
            return None
        if not said.scored or said.image_sha256 != question.sha256:
            return None
        mine = {"request": question.request, "frame": question.frame, "item": question.item}
        return said.model_copy(update={**mine, "usage": None, "cost_usd": 0.0, "reused": True})

    def keep(self, question: Question, said: Verdict) -> None:
        """Keep an answer; one that does not score is not."""
        if self._store is not None and said.scored and not said.reused:
            self._store.put(self._key(question), clean(said).model_dump_json().encode())

    def _key(self, question: Question) -> str:
        asked = {"question": question_hash(question), "form": question.form, "picture": question.sha256}
        return key_of({"version": _VERSION, "by": self._made_by, **asked})


def _reached(card: Any) -> dict[str, Any]:
    """How the hosted model of a card is reached: all of its card that changes what it answers."""
    api = card.api
    revision, fields = api and api.revision, getattr(card, "body_fields", None)
    return {
        "kind": card.kind,
        "source": card.source,
        # Weights are the same wherever they are served.
        "base_url": None if revision else api and api.base_url,
        "options": api and api.options,
        "empty_negative": getattr(card, "empty_negative", None),
        # Only where they are said, so that what was kept before has the key that it had.
        **({"revision": revision} if revision else {}),
        **({"body_fields": fields} if fields else {}),
    }


def _here(card: ModelCard, device: str) -> dict[str, Any]:
    """What a model on this machine draws with, beyond what its requests say."""
    on = {
        "device": device.partition(":")[0],
        "machine": _processor(device),
        "threads": _threads(device),
        "packages": environment.packages(),
    }
    return {**on, "card": hashlib.sha256(card.model_dump_json(exclude={"title"}).encode()).hexdigest()}


def _threads(device: str) -> int | None:
    """Among how many threads a processor shares sums, which rounds them differently; None elsewhere."""
    if device.partition(":")[0] != "cpu":
        return None
    import torch

    return int(torch.get_num_threads())


def _processor(device: str) -> str:
    """The name of what computes: another one rounds differently."""
    if device.startswith("cuda"):
        import torch

        return str(torch.cuda.get_device_name(device))
    return environment.hardware()["cpu"]
