"""Which runs Tables 1 and 2 take: one for each model, which holds both tables' conditions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from copycat.cards.models import ModelCard, load_card
from copycat.errors import UserError
from copycat.mitigations.aliases import canonical
from copycat.paper.published import PaperTable, Place, load
from copycat.paper.usable import Usable
from copycat.resolve import ResolvedRun, resolve_settings
from copycat.subjects.characters import Registry, load_registry

PROMPTS = "name"
"""Both tables ask by the bare name; the rewritten prompts of Table 1 are made of it."""


@dataclass(frozen=True)
class Job:
    """One model's run."""

    model: str
    card: ModelCard
    registry: Registry
    tables: tuple[PaperTable, ...]
    settings: Mapping[str, Any]
    """Of :class:`copycat.config.RunConfig`, but for the mitigations."""

    def conditions(self, usable: Usable) -> tuple[str, ...]:
        """The mitigations that fill the tables, each once; of those that are `usable` the preferred ones."""
        places = [p for t in self.tables for p in t.needed(lambda p: _on_names(p) and usable(p))]
        return tuple(dict.fromkeys(canonical(p.mitigation) for p in places))

    def resolved(self, mitigations: Iterable[str]) -> ResolvedRun:
        """The run with these mitigations."""
        return resolve_settings(**self.settings, mitigations=tuple(mitigations))


def _on_names(place: Place) -> bool:
    return place.prompts == PROMPTS


def jobs(
    models: Iterable[str], table1: Iterable[str], out: Path, registry: str | None, settings: Mapping[str, Any]
) -> list[Job]:
    """A run for each of `models`, in folders of `out`; those in `table1` get the conditions of Table 1 too.

    Raises a UserError for a model that is unknown or named twice, and for one in `table1` alone.
    """
    wanted, more = list(models), set(table1)
    first, second = load("1"), load("2")
    if not isinstance(first, PaperTable) or not isinstance(second, PaperTable):
        raise UserError("The published tables 1 and 2 are not tables; see data/published/.")
    names = [Path(m).name for m in wanted]
    if not wanted or len(set(names)) < len(names):
        raise UserError(f"Name one model or more, each once (given: {', '.join(wanted) or 'none'}).")
    if strangers := more - set(wanted):
        raise UserError(f"{', '.join(sorted(strangers))} is to have Table 1 and is not among the models.")
    made = []
    for model, name in zip(wanted, names, strict=True):
        card = load_card(model)
        given = {
            **settings,
            "model": model,
            "registry": registry,
            "prompts": (PROMPTS,),
            "out": out / "runs" / name,
        }
        tables = (first, second) if model in more else (second,)
        made.append(Job(model, card, load_registry(registry or card.registry), tables, given))
    return made
