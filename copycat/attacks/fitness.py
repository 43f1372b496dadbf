"""Whether a model has what an attack needs, by what its pipeline says of itself; no weights are loaded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from copycat.attacks.base import Attack
from copycat.cards.models import ModelCard
from copycat.errors import UserError
from copycat.generators import published

T = TypeVar("T")
INSTEAD = "use an attack on the prompt alone, such as typo."


def refuse_unfit(attack: Attack[Any], card: ModelCard, *, ask: bool) -> None:
    """Raise UserError, with what to use instead, for a model that lacks what `attack` needs.

    What cannot be had is not checked: loading the model says what is wrong with it. Without `ask` nothing is
    fetched.
    """
    if card.api:
        return
    parts = _had(lambda: published.parts(card, ask)) if attack.needs_text_encoder else None
    if parts is not None and not any(name.startswith("text_encoder") for name in parts):
        raise UserError(f"{attack.name} needs a text encoder, and {card.title} has none; {INSTEAD}")
    scheduler = _had(lambda: published.scheduler(card, ask)) if attack.needs_schedule else None
    if scheduler is not None:
        refuse_unscheduled(attack.name, card, scheduler)


def refuse_unscheduled(method: str, card: ModelCard, scheduler: Any) -> None:
    """Raise UserError for a `scheduler` without noise levels that the model of `card` was trained on."""
    # It brings torch.
    from copycat.diffusion.schedule import timesteps

    if not timesteps(scheduler):
        raise UserError(
            f"{method} needs a model that was trained on a schedule of noise levels, and {card.title} has a "
            f"{type(scheduler).__name__}, which names none, as those of flow matching; {INSTEAD}"
        )


def _had(find: Callable[[], T]) -> T | None:
    try:
        return find()
    except UserError:
        return None
