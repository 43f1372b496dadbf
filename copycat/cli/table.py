"""`copycat table`: results laid out as the paper's tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

if TYPE_CHECKING:
    from copycat.paper.usable import Usable


def table(
    which: str = typer.Argument(help="1, 2, 8 or fig3 (copycat ls tables)."),
    runs: list[str] = typer.Argument(
        None, help="Run folders, or their names under results/; none shows what is published."
    ),
    out: Path | None = typer.Option(None, help="Folder to write it to: Markdown, CSV, and LaTeX or a plot."),
    form: Literal["md", "csv", "tex"] = typer.Option("md", "--format", help="What to print."),
    needs: Literal["mitigations", "prompts"] | None = typer.Option(
        None, help="Print what a run must hold to fill the table, as `copycat run` takes it, and stop."
    ),
    model: str = typer.Option("", help="With --needs: of this model, and only what can be asked of it here."),
    registry: str = typer.Option("", help="With --needs: its registry, where it is not the model's."),
) -> None:
    """Lay runs out as one of the paper's tables, beside the published numbers."""
    from copycat.cli.folders import opened
    from copycat.errors import UserError
    from copycat.io.atomic import write_bytes
    from copycat.mitigations.aliases import canonical
    from copycat.paper import Figure, load
    from copycat.paper.document import document, needed

    wanted = load(which)
    if needs:
        usable = _usable(model, registry)
        typer.echo(needed(wanted, needs, usable, canonical))
        for line in usable.told():
            typer.echo(line, err=True)
        return
    name = f"fig{wanted.figure}" if isinstance(wanted, Figure) else f"table{wanted.table}"
    texts = document(wanted, [opened(r).data() for r in runs or ()], canonical)
    if form not in texts:
        others = (k for k in texts if k in ("md", "csv", "tex"))
        raise UserError(f"There is no {form} of {name}; choose {' or '.join(others)}.")
    if out is not None:
        for ending, content in texts.items():
            write_bytes(out / f"{name}.{ending}", content)
    typer.echo(texts[form].decode(), nl=False)


def _usable(model: str, registry: str) -> Usable:
    from copycat.cards.models import load_card
    from copycat.paper.usable import Usable
    from copycat.subjects.characters import load_registry

    if not model and not registry:
        return Usable(None)
    return Usable(load_registry(registry or load_card(model).registry))
