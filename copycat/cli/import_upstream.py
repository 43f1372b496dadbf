"""`copycat import-upstream`: princeton-nlp/CopyCat's prompt files, or its scripts' results, in our format."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import typer


def import_upstream(
    path: Path = typer.Argument(
        help="A checkout of princeton-nlp/CopyCat or its folder `prompts`; or a folder with results of its "
        "scripts (log.json, binary_result.json)."
    ),
    out: Path = typer.Option(
        ...,
        help="Folder for the prompt sets, the registry and the account; of results, the new run folder.",
    ),
    registry: str = typer.Option("copycat", help="Character registry to join the rows to."),
    join: list[str] = typer.Option(
        [], help="A name there and a character here, as in 'Baby Bear=yogi-bear'; may be repeated."
    ),
    judge: str | None = typer.Option(
        None, help="Of results: a judge card to ask later; the usual one of the registry when left out."
    ),
) -> None:
    """Read the CopyCat suite's own prompts, or results of its scripts, and join nothing by guesswork."""
    from copycat.subjects.characters import load_registry
    from copycat.subjects.upstream import account, import_checkout, is_results, write

    joins = dict(map(_pair, join))
    people = load_registry(registry)
    if is_results(path):
        _results(path, out, registry, joins, judge)
        return
    imported = import_checkout(path, people, joins)
    paths = write(imported, people, out)
    typer.echo(account(imported))
    typer.echo(
        f"{len(paths)} files in {out}. These texts are not copycat's, and their repository has no licence."
    )


def _pair(text: str) -> tuple[str, str]:
    from copycat.errors import UserError

    name, equals, slug = text.partition("=")
    if not (equals and name.strip() and slug.strip()):
        raise UserError(f"'{text}' joins nothing; write NAME=CHARACTER.")
    return name, slug.strip()


def _results(path: Path, out: Path, registry: str, joins: dict[str, str], judge: str | None) -> None:
    from copycat.runs.upstream import import_results
    from copycat.runtime.progress import for_stream
    from copycat.subjects.characters import load_registry

    run = import_results(path, out, load_registry(registry), joins, judge=judge, progress=for_stream())
    data = run.data()
    _say(data.manifest.notes)
    typer.echo(
        f"{len(data.requests)} pictures of {data.manifest.model} in {run.path}, "
        f"{len(data.verdict_rows)} verdicts"
    )
    judged = data.manifest.judge is not None
    typer.echo(
        f"Next: copycat score {run.path}, copycat report {run.path}"
        if judged
        else f"Next: copycat rejudge {run.path} --judge {data.manifest.config.judge}"
    )


def _say(notes: Iterable[str]) -> None:
    for note in notes:
        typer.echo(f"- {note}")
