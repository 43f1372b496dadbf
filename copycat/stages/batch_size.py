"""How many pictures of a run are drawn together, where that is found on its device; a part of generate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from copycat.cards.models import ModelCard
from copycat.generators.base import load_generator
from copycat.generators.batch_size import MOST, best_batch_size, trial_of
from copycat.records import Request
from copycat.resolve import ResolvedRun
from copycat.runs.folder import RunFolder
from copycat.runtime.engines import Engine


def with_batch_size(
    folder: RunFolder,
    run: ResolvedRun,
    requests: Sequence[Request],
    company: Callable[[Request], Hashable],
    engine: Callable[[], Engine],
) -> ResolvedRun:
    """`run` with the batch size that its manifest holds; where it is yet to be found, it is, on a worker of
    `engine`, and written there, so that a resumed run forms the same batches.

    On a CPU larger batches are no faster, and it is the card's. `company` says which of `requests` may be
    drawn together.
    """
    if not run.card.find_batch_size:
        return run
    size = folder.manifest().batch_size
    if size is None:
        on = engine()
        size = run.card.batch_size if on.device == "cpu" else _found(run.card, requests, company, on)
        folder.update(batch_size=size)
    return replace(run, card=run.card.model_copy(update={"batch_size": size}))


def _found(
    card: ModelCard, requests: Sequence[Request], company: Callable[[Request], Hashable], engine: Engine
) -> int:
    sizes: list[int] = []
    batch = _usual(requests, company)
    engine.map([batch], partial(_open_trials, card), lambda done: sizes.extend(size for _, size in done))
    return sizes[0]


def _usual(requests: Sequence[Request], company: Callable[[Request], Hashable]) -> list[Request]:
    """Requests to try sizes with: of those that are most often drawn together, without weight edits and
    embeddings, which change neither time nor memory by much."""
    plain = [r.model_copy(update={"conditioning": "", "variant": ""}) for r in requests]
    most, _ = Counter(map(company, plain)).most_common(1)[0]
    return [r for r in plain if company(r) == most][:MOST]


@contextmanager
def _open_trials(card: ModelCard, device: str) -> Iterator[Callable[[Sequence[Request]], int]]:
    """Finds the batch size of `card`'s model with the requests that it is given."""
    # Uncompiled: what is compiled is filled up to the largest batch, and compiled anew for each size.
    tried = card.model_copy(update={"batch_size": MOST, "compile": False})
    with load_generator(tried, device) as generator:
        yield lambda requests: best_batch_size(trial_of(generator, requests))
