"""Batched pictures: a hosted model asked in batches of its provider; a part of generate.

What comes of a batch is held in the run (:mod:`copycat.stages.held`), and taken from there as if each picture
had just been drawn: filters, rows and notes are those of pictures that are asked for one by one. What a batch
failed to draw is then asked for one by one indeed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

from copycat.cards.metering import usage_of
from copycat.cards.prices import Call
from copycat.errors import UserError
from copycat.generators.base import CATALOG as GENERATORS
from copycat.generators.base import ImageOutcome, PicturesInBatches
from copycat.io.hosted import Batches, Failure
from copycat.io.ledger import Ledger
from copycat.io.store import Store
from copycat.records import Request, Usage
from copycat.resolve import ResolvedRun
from copycat.runs.folder import RunFolder
from copycat.stages.batch_work import BatchWork, NotSent
from copycat.stages.batched import Batched, batched
from copycat.stages.cache import PictureCache
from copycat.stages.failing import Failing
from copycat.stages.held import Held


def draw_in_batches(run: ResolvedRun, folder: RunFolder, ledger: Ledger, requests: Sequence[Request]) -> None:
    """Have those of `requests` drawn in batches that are neither held nor kept, where the run asks for that
    and its model can. Raises as :class:`copycat.stages.batched.Batched` says, and MissingRequirement after
    ten failures in a row."""
    if not (run.config.batch and run.card.api and GENERATORS.get(run.card.kind).batches):
        return
    cache = PictureCache(run.card, "cpu", run.config.cache)
    held = Held(Store(folder.held_path), cache.keys)
    missing = [r for r in requests if not held.holds(r) and not cache.holds(r)]
    if missing:
        with _asking(run, folder, ledger, missing) as asked:
            asked.ask(missing)


def take_up_pictures(
    run: ResolvedRun, folder: RunFolder, ledger: Ledger, requests: Sequence[Request]
) -> None:
    """Wait for the batches that an earlier command sent for the pictures of `requests`, whatever this one was
    told: they are paid. Raises as :func:`draw_in_batches`."""
    if run.card.api is None:
        return
    folder.batches.tidy()
    sent = folder.batches.of(run.model, "picture")
    if sent:
        with _asking(run, folder, ledger, requests) as asked:
            asked.take_up(sent)


@contextmanager
def _asking(
    run: ResolvedRun, folder: RunFolder, ledger: Ledger, requests: Sequence[Request]
) -> Iterator[Batched[Request, ImageOutcome]]:
    card = run.card
    kind = GENERATORS.get(card.kind)
    cache = PictureCache(card, "cpu", run.config.cache)
    with kind(card, "cpu") as generator:
        how = generator.in_batches()
        if how is None:
            raise UserError(f"{card.title} cannot be asked in batches; leave --batch out.")
        work = PictureWork(
            card=card.name,
            who=card.title,
            identity=run.model,
            tariff=how.tariff,
            what="picture",
            noun="pictures",
            how=how,
            cache=cache,
            call=lambda r: kind.call(card, r),
            held=Held(Store(folder.held_path), cache.keys),
            failing=Failing(card.title, "pictures", answered=False),
        )
        with batched(work, folder.batches, ledger, requests) as found:
            yield found


@dataclass(frozen=True)
class PictureWork(BatchWork[Request, ImageOutcome]):
    """Pictures of one run."""

    how: PicturesInBatches = field(kw_only=True)
    cache: PictureCache = field(kw_only=True)
    call: Callable[[Request], Call] = field(kw_only=True)
    held: Held = field(kw_only=True)
    failing: Failing = field(kw_only=True)

    most_calls: ClassVar[int] = 50
    """So that the file of answers, with pictures of some megabytes each, fits into memory."""

    def provider(self) -> Batches:
        return self.how.provider()

    def key(self, item: Request) -> str:
        return self.cache.keys([item])[0]

    def body(self, item: Request) -> tuple[Mapping[str, Any], Call] | NotSent[ImageOutcome]:
        return self.how.body(item), self.call(item)

    def answer(self, item: Request, body: Mapping[str, Any]) -> ImageOutcome:
        return self.how.read(item, body)

    def failed(self, item: Request, why: str, failure: Failure | None = None) -> ImageOutcome:  # noqa: ARG002
        if failure is not None and failure.refused:
            return ImageOutcome("refused_prompt", error=failure.words)
        return ImageOutcome("error", error=why)

    def cost(self, result: ImageOutcome) -> tuple[float | None, Usage | None]:
        return result.cost_usd, usage_of(result.told)

    def keep(self, results: Sequence[tuple[Request, ImageOutcome]]) -> None:
        self.held.keep([([item], [outcome]) for item, outcome in results])
        for item, outcome in results:
            self.cache.keep(item, outcome)
            self.failing.add((outcome.error or "no reason told") if outcome.outcome == "error" else None)

    def check(self) -> None:
        self.failing.check()
