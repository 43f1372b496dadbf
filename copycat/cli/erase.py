"""`copycat erase`: a model without some characters."""

from __future__ import annotations

from pathlib import Path

import typer


def erase(
    characters: str = typer.Option(..., help="Slugs or names of the characters to erase: a list."),
    out: Path = typer.Option(..., help="Folder for the pipeline; must be empty or missing."),
    model: str = typer.Option("menagerie", help="A card (copycat ls models) or a diffusers folder."),
    method: str = typer.Option(
        "uce", help="An eraser with its options, such as uce or esd[group=u] (docs/erasure.md)."
    ),
    registry: str = typer.Option("", help="The characters' registry; the model's own when empty."),
    device: str = typer.Option("auto", help="auto, cpu, cuda, cuda:N or mps."),
) -> None:
    """Erase characters from the weights of a model, and write what is left as a diffusers folder.

    Work that was stopped goes on with the same command.
    """
    from copycat.cards.models import load_card
    from copycat.cli.parsing import items
    from copycat.stages.erase import erased_pipeline, erasing
    from copycat.subjects.characters import load_registry

    card = load_card(model)
    people = load_registry(registry or card.registry)
    task = erasing(card, people, people.select(items(characters)), method)
    typer.echo(erased_pipeline(card, task, out, device))
