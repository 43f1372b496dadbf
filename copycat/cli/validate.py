"""`copycat validate`: reads every card, registry, prompt set and word list."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer

if TYPE_CHECKING:
    from copycat.cards.catalog import Catalog

T = TypeVar("T")


def findings(warnings: list[str] | None = None) -> Iterator[str]:
    """What is wrong with all that the catalogues hold; one sentence each.

    What is only to be known goes to `warnings`.
    """
    from copycat.cards.judges import CATALOG as JUDGES
    from copycat.cards.llms import CATALOG as LLMS
    from copycat.cards.models import CATALOG as MODELS
    from copycat.mitigations import CATALOG as MITIGATIONS
    from copycat.stages.soundness import of_cards, unpinned
    from copycat.subjects.characters import CATALOG as REGISTRIES
    from copycat.subjects.franchises import CATALOG as FRANCHISES
    from copycat.subjects.keywords import CATALOG as KEYWORDS
    from copycat.subjects.neutral import CATALOG as NEUTRAL
    from copycat.subjects.neutral import check_neutral
    from copycat.subjects.prompts import CATALOG as PROMPTS
    from copycat.subjects.prompts import check
    from copycat.subjects.words import ambiguous_names

    broken: list[str] = []
    with_cards: tuple[Catalog[Any], ...] = (MODELS, JUDGES, LLMS)
    for catalog in with_cards:
        cards = _read(catalog, broken)
        yield from of_cards(cards)
        if warnings is not None:
            warnings += unpinned(cards)
    alone: tuple[Catalog[Any], ...] = (MITIGATIONS, KEYWORDS, FRANCHISES)
    for catalog in alone:
        _read(catalog, broken)
    read = _read(REGISTRIES, broken)
    for name, registry in read.items():
        missing = [r for c in registry.characters for r in c.references if not Path(r).is_file()]
        yield from (f"{name}: the reference picture {r} is missing." for r in missing)
        if warnings is not None:
            warnings += ambiguous_names(registry)
    # What belongs to a registry goes by the name that this gives itself, whatever its file is called.
    registries = {registry.name: registry for registry in read.values()}
    for name, neutral in _read(NEUTRAL, broken).items():
        if name in registries:
            yield from check_neutral(neutral, registries[name])
    for name, prompts in _read(PROMPTS, broken).items():
        owner = name.partition("/")[0]
        if owner in registries:
            yield from check(prompts, registries[owner])
    yield from broken


def _read(catalog: Catalog[T], broken: list[str]) -> dict[str, T]:
    """All that `catalog` holds and that can be read; what is wrong with the rest goes to `broken`."""
    from copycat.errors import UserError

    found = {}
    for name in catalog.names():
        try:
            found[name] = catalog.get(name)
        except UserError as e:
            broken.append(str(e))
    return found


def validate() -> None:
    """Read the cards, registries and prompt sets, and list what is wrong with them.

    Names that are common words, or part of another character's name, are warned of as well.
    """
    warnings: list[str] = []
    found = list(findings(warnings))
    for line in (*found, *(f"Warning: {w}" for w in warnings)):
        typer.echo(line)
    if found:
        raise typer.Exit(2)
    typer.echo("All cards, registries and prompt sets are in order.")
