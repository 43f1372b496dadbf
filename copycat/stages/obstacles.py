"""What stands in the way of running a model, a judge or a language model here: all at once, and what to do
about each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from copycat.cards.judges import JudgeCard
from copycat.cards.models import ModelCard
from copycat.cards.weights import Card, Weights, check_folder
from copycat.errors import UserError, require
from copycat.generators.base import CATALOG as GENERATORS
from copycat.io import hub
from copycat.io.hosted import check_serving, key
from copycat.io.loading import check_packages
from copycat.judges.base import identify


def obstacles(card: Card, gpu: float | None) -> list[str]:
    """Why `card` cannot run with a GPU of `gpu` GB, a sentence a reason; empty when it can. Nothing is sent,
    but for the question whether a server of one's own is there (`api.probe`).

    Of a model that its provider has shut down that alone: nothing else would help.
    """
    if card.is_gone():
        return [card.end()]
    found = [sentence for part in _parts(card) for sentence in _of_one(part, gpu)]
    return list(dict.fromkeys(found))


def to_fetch(card: Card) -> list[str]:
    """The hub repositories with weights of `card` of which nothing is on this machine yet."""
    wanted = (w for part in _parts(card) for w in _weights(part))
    return list(
        dict.fromkeys(w.source for w in wanted if w.revision and not hub.is_cached(w.source, w.revision))
    )


def _parts(card: Card) -> tuple[Card, ...]:
    """The cards that are asked: of a panel those of its members."""
    return card.asked() if isinstance(card, JudgeCard) else (card,)


def _weights(card: Card) -> list[Weights]:
    if card.api or not card.source:
        return []
    more = (*card.stages, card.motion_adapter) if isinstance(card, ModelCard) else ()
    return [card, *filter(None, more)]


def _of_one(card: Card, gpu: float | None) -> Iterator[str]:
    who = card.title if isinstance(card, ModelCard) else card.name
    if card.is_gone():
        yield f"{who} {card.end()}"
        return
    yield from _packages(card, who)
    if card.api:
        yield from _said(partial(key, card.api, who))
        if card.api.probe:
            yield from _said(partial(check_serving, card.api, card.source, who))
    for part in _weights(card):
        if part.folder is not None:
            yield from _said(partial(check_folder, part.folder))
    if isinstance(card, ModelCard) and card.gated and to_fetch(card) and not hub.is_logged_in():
        yield hub.told_gated(who, card.source)
    if card.min_gpu_gb and not card.api and (gpu or 0) < card.min_gpu_gb:
        yield _memory(card, gpu)


def _packages(card: Card, who: str) -> Iterator[str]:
    if isinstance(card, ModelCard):
        yield from _said(lambda: check_packages(card.packages, who))
        if card.api:
            yield from _said(lambda: GENERATORS.get(card.kind).reach(card))
    elif card.api:
        yield from _said(lambda: require("openai", "openai>=2.0", who))
    elif isinstance(card, JudgeCard) and not card.source:
        # What reads pictures without weights: a program, or a package of its own.
        yield from _said(lambda: identify(card))


def _memory(card: Card, gpu: float | None) -> str:
    have = f"this one has {gpu:.0f} GB" if gpu else "there is none here"
    ways = card.lighter() if isinstance(card, ModelCard) and gpu else ""
    return (
        f"needs a GPU with {card.min_gpu_gb:g} GB; {have}{f' ({ways})' if ways else ''}. Slowly without: "
        + (f"copycat run --model {card.name} --device cpu" if isinstance(card, ModelCard) else "--device cpu")
    )


def _said(check: Callable[[], object]) -> Iterator[str]:
    """What `check` says is missing; nothing where all is there."""
    try:
        check()
    except UserError as e:
        yield str(e)
