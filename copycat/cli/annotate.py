"""`copycat annotate`: people label the pictures of a run in a browser."""

from __future__ import annotations

from pathlib import Path

import typer


def annotate(
    run: str = typer.Argument(help="A run folder, or its name under results/."),
    rater: str = typer.Option("", help="The rater's name, if it is not to be asked for on the page."),
    sample: int | None = typer.Option(
        None, min=1, help="Only so many pictures, evenly from all mitigations and prompt sets."
    ),
    seed: int = typer.Option(0, help="Of the sample and the orders; another one shows other pictures."),
    port: int = typer.Option(0, min=0, max=65535, help="A free one when 0."),
    open_page: bool = typer.Option(True, "--open/--no-open", help="Open the page in the browser."),
    export: Path | None = typer.Option(
        None, help="Write the labels taken so far to this .csv or .parquet, and serve nothing."
    ),
) -> None:
    """Label a run's pictures by keyboard, blind to the judge; for this machine only."""
    import webbrowser
    from contextlib import suppress

    from copycat.annotate.store import Store
    from copycat.cli.folders import opened
    from copycat.errors import UserError
    from copycat.labels import write_labels

    folder = opened(run)
    store = Store(folder.path)
    if export is not None:
        labels = store.labels()
        if not labels:
            raise UserError(f"{folder.path} has no labels yet; take some with `copycat annotate {run}`.")
        write_labels(export, labels)
        typer.echo(f"{len(labels)} labels of {len({x.rater for x in labels})} raters: {export}")
        return

    from copycat.annotate.serve import serve

    def ready(address: str) -> None:
        typer.echo(f"Label at {address} (Ctrl-C ends; this address works on this machine only)")
        if open_page:
            webbrowser.open(address)

    with suppress(KeyboardInterrupt):
        serve(folder, ready, rater=rater, port=port, sample=sample, seed=seed)
    typer.echo(
        f"{len(store.labels())} labels in {store.path}; write a table with "
        f"`copycat annotate {run} --export labels.csv`."
    )
