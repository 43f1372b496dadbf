"""Options of the verbs that ask a judge about the pictures of a run; they mean the same in each."""

from __future__ import annotations

from typing import Annotated

import typer

RunArgument = Annotated[str, typer.Argument(help="A run folder, or its name under results/.")]
Device = Annotated[str, typer.Option(help="cpu, cuda, mps; auto takes the best there is.")]
Engine = Annotated[
    str | None,
    typer.Option(
        help="local or ray: where to ask a judge that runs here; where the run was drawn when left out."
    ),
]
Address = Annotated[str | None, typer.Option(help="host:port of the Ray cluster's head, or auto.")]
Concurrency = Annotated[
    int | None, typer.Option(min=1, help="Calls in flight to a hosted judge; its card's when left out.")
]
MaxCost = Annotated[
    float | None,
    typer.Option(help="Dollars that the run's hosted calls may cost; no call passes it (docs/costs.md)."),
]
Cache = Annotated[
    bool | None,
    typer.Option(
        "--cache/--no-cache",
        help="Take a hosted judge's answers from the cache and keep them there; on when left out.",
    ),
]
Batch = Annotated[
    bool,
    typer.Option(
        "--batch",
        help="Ask a hosted judge or model in batches of its provider: about half the price, within a day "
        "(docs/costs.md).",
    ),
]
