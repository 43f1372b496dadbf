"""`copycat validate`: reads every card, registry and prompt set."""

from __future__ import annotations

from collections.abc import Iterator

import typer


def findings() -> Iterator[str]:
    """What is wrong with the cards, registries and prompt sets; one sentence each."""
    from copycat.characters import load_registry
    from copycat.errors import UserError
    from copycat.intent.neutral import check_neutral, load_neutral
    from copycat.judges.card import CATALOG as JUDGES
    from copycat.llms.card import CATALOG as LLMS
    from copycat.mitigations import CATALOG as MITIGATIONS
    from copycat.models import CATALOG as MODELS
    from copycat.paths import DATA, PROMPTS
    from copycat.prompts import available, check, load_prompts

    for catalog in (MODELS, JUDGES, LLMS, MITIGATIONS):
        for name in catalog.names():
            try:
                catalog.get(name)
            except UserError as e:
                yield str(e)
    for path in sorted((DATA / "characters").glob("*.yaml")):
        try:
            registry = load_registry(path.stem)
        except UserError as e:
            yield str(e)
            continue
        try:
            yield from check_neutral(load_neutral(path.stem), registry)
        except UserError as e:
            yield str(e)
        missing = [r for c in registry.characters for r in c.references if not (DATA / r).is_file()]
        yield from (f"{path.stem}: the reference picture {r} is missing." for r in missing)
        for name in available(path.stem, PROMPTS):
            try:
                yield from check(load_prompts(name, path.stem), registry)
            except UserError as e:
                yield str(e)


def validate() -> None:
    """Read the cards, registries and prompt sets, and list what is wrong with them."""
    found = list(findings())
    for line in found:
        typer.echo(line)
    if found:
        raise typer.Exit(2)
    typer.echo("All cards, registries and prompt sets are in order.")
