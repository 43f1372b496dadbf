"""`copycat table`: results laid out as the paper's tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

if TYPE_CHECKING:
    from copycat.report.paper import Figure, PaperTable
    from copycat.report.paper.published import Place
    from copycat.runs.folder import RunFolder


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
) -> None:
    """Lay runs out as one of the paper's tables, beside the published numbers."""
    from copycat.cli.folders import opened
    from copycat.errors import UserError
    from copycat.report.paper import Figure, load

    wanted = load(which)
    if needs:
        if isinstance(wanted, Figure):
            raise UserError("Figure 3 needs mined prompt sets; `make fig3` mines and runs them.")
        _say_needs(wanted.needed(_usable), needs)
        return
    folders = [opened(r) for r in runs or ()]
    if isinstance(wanted, Figure):
        name, texts = f"fig{wanted.figure}", _figure(wanted, folders)
    else:
        name, texts = f"table{wanted.table}", _table(wanted, folders)
    if form not in texts:
        raise UserError(
            f"There is no {form} of {name}; choose {' or '.join(k for k in texts if k in FORMS)}."
        )
    if out is not None:
        from copycat.atomic import write_bytes

        for ending, content in texts.items():
            write_bytes(out / f"{name}.{ending}", content)
    typer.echo(texts[form].decode(), nl=False)


FORMS = ("md", "csv", "tex")


def _table(wanted: PaperTable, folders: list[RunFolder]) -> dict[str, bytes]:
    from copycat.report.paper.fill import fill
    from copycat.report.paper.write import WRITERS

    filled = fill(wanted, folders)
    return {ending: write(filled).encode() for ending, write in WRITERS.items()}


def _figure(wanted: Figure, folders: list[RunFolder]) -> dict[str, bytes]:
    from copycat.report.paper.curves import csv_text, curves, markdown

    drawn = curves(wanted, folders)
    texts = {"md": markdown(drawn).encode(), "csv": csv_text(drawn).encode()}
    if folders:
        from copycat.report.paper.plot import picture

        texts |= {form: picture(drawn, form) for form in ("png", "svg")}
    return texts


def _usable(place: Place) -> bool:
    """Whether there is a mitigation here that the place asks for."""
    from copycat.errors import UserError
    from copycat.mitigations import parse

    try:
        parse(place.mitigation)
    except UserError:
        return False
    return True


def _say_needs(places: list[Place], needs: Literal["mitigations", "prompts"]) -> None:
    from copycat.report.paper.published import canonical

    found = [canonical(p.mitigation) if needs == "mitigations" else p.prompts for p in places]
    typer.echo(",".join(dict.fromkeys(found)))
