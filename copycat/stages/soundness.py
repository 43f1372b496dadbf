"""What is wrong with cards beyond what reading them tells; nothing is loaded, fetched or written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from copycat.cards.catalog import Catalog
from copycat.cards.judges import JudgeCard, load_judge_card
from copycat.cards.llms import LLMCard
from copycat.cards.models import ModelCard, Part
from copycat.cards.pipelines import is_known
from copycat.cards.weights import Card, Weights, check_folder
from copycat.errors import UnknownName, UserError
from copycat.generators.base import CATALOG as GENERATORS
from copycat.judges.base import CATALOG as JUDGE_KINDS
from copycat.llms.base import CATALOG as LLM_KINDS
from copycat.subjects.characters import load_registry

_KINDS: Mapping[type[Card], Catalog[Any]] = {
    ModelCard: GENERATORS,
    JudgeCard: JUDGE_KINDS,
    LLMCard: LLM_KINDS,
}


def of_cards(cards: Mapping[str, Card]) -> Iterator[str]:
    """What is wrong with `cards`, by the names that their files have; one sentence each."""
    for name, card in cards.items():
        if card.name != name:
            yield f"The card {name} names itself {card.name}; give the file and `name` the same name."
        for fault in dict.fromkeys(_faults(card)):
            yield f"The card {name}: {fault}"


def unpinned(cards: Mapping[str, Card]) -> Iterator[str]:
    """Which cards take whatever a branch of the hub holds; a warning, since a run keeps to what it found."""
    for name, card in cards.items():
        for weights in () if card.api else _weights(card):
            if not weights.pinned:
                yield (
                    f"The card {name} takes what {weights.source} holds at {weights.revision}; a commit as "
                    "`revision` would pin it."
                )


def _faults(card: Card) -> Iterator[str]:
    kinds = _KINDS[type(card)]
    kind = getattr(card, "kind", "")
    if kind not in kinds.names():
        yield str(UnknownName(kinds.singular, kind, kinds.names()))
    if not card.api:
        for weights in _weights(card):
            yield from _of_weights(weights)
    if isinstance(card, ModelCard):
        yield from _refused((card.registry, load_registry), (card.judge, load_judge_card))
        for preset in card.presets:
            yield from _faults(card.preset(preset))
    if isinstance(card, JudgeCard):
        yield from _refused((card.registry, load_registry), *((m, load_judge_card) for m in card.members))
        if card.calibration and not Path(card.calibration).is_file():
            yield f"its calibration {card.calibration} does not exist."


def _weights(card: Card) -> Iterator[Weights]:
    """All that a card takes weights from; a judge may have none."""
    if card.source:
        yield card
    if isinstance(card, ModelCard):
        yield from card.stages
        if card.motion_adapter:
            yield card.motion_adapter


def _of_weights(weights: Weights) -> Iterator[str]:
    if weights.folder is not None:
        try:
            check_folder(weights.folder)
        except UserError as e:
            hub = " A repository of the hub needs its commit as `revision`." * (not weights.folder.exists())
            yield f"{e}{hub}"
    if isinstance(weights, Part):
        if not weights.pipeline:
            yield "it names no `pipeline`, a class of diffusers."
        for what, named in (("pipeline", weights.pipeline), ("scheduler", weights.scheduler)):
            if named and not is_known(named):
                yield f"{named} is no {what} of the installed diffusers."


def _refused(*named: tuple[str | None, Callable[[str], Any]]) -> Iterable[str]:
    """What is wrong with what a card names; None names nothing."""
    for name, load in named:
        try:
            if name is not None:
                load(name)
        except UserError as e:
            yield str(e)
