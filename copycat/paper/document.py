"""A table or a figure of the paper as files, and what it takes to fill it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from copycat.errors import UserError
from copycat.paper.curves import csv_text, curves, markdown
from copycat.paper.fill import fill
from copycat.paper.published import Figure, PaperTable, Place
from copycat.paper.write import WRITERS
from copycat.runs.data import RunData


def document(
    wanted: PaperTable | Figure, runs: Sequence[RunData], canonical: Callable[[str], str]
) -> dict[str, bytes]:
    """The files of the table or figure `wanted` of `runs`, beside what is published, by their endings.

    `canonical` gives the same name to equal guardrails.
    """
    if isinstance(wanted, Figure):
        return _figure(wanted, runs)
    filled = fill(wanted, runs, canonical)
    return {ending: write(filled).encode() for ending, write in WRITERS.items()}


def _figure(wanted: Figure, runs: Sequence[RunData]) -> dict[str, bytes]:
    drawn = curves(wanted, runs)
    texts = {"md": markdown(drawn).encode(), "csv": csv_text(drawn).encode()}
    if runs:
        from copycat.paper.plot import picture

        texts |= {form: picture(drawn, form) for form in ("png", "svg")}
    return texts


def needed(
    wanted: PaperTable | Figure,
    what: Literal["mitigations", "prompts"],
    usable: Callable[[Place], bool],
    canonical: Callable[[str], str],
) -> str:
    """What a run must hold to fill `wanted`, as a list for `copycat run`, of the places that are `usable`."""
    if isinstance(wanted, Figure):
        raise UserError("Figure 3 needs mined prompt sets; `make fig3` mines and runs them.")
    places = wanted.needed(usable)
    found = [canonical(p.mitigation) if what == "mitigations" else p.prompts for p in places]
    return ",".join(dict.fromkeys(found))
