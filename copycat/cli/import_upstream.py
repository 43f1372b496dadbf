"""`copycat import-upstream`: the prompt files of princeton-nlp/CopyCat in our format."""

from __future__ import annotations

from pathlib import Path

import typer


def import_upstream(
    path: Path = typer.Argument(help="A checkout of princeton-nlp/CopyCat, or its folder `prompts`."),
    out: Path = typer.Option(..., help="Folder for the prompt sets, the registry and the account."),
    registry: str = typer.Option("copycat", help="Character registry to join the rows to."),
    join: list[str] = typer.Option(
        [], help="A name there and a character here, as in 'Baby Bear=yogi-bear'; may be repeated."
    ),
) -> None:
    """Read the CopyCat suite's own prompts, say what had to be mended, and join nothing by guesswork."""
    from copycat.errors import UserError
    from copycat.subjects.characters import load_registry
    from copycat.subjects.upstream import account, import_checkout, write

    joins = {}
    for pair in join:
        name, equals, slug = pair.partition("=")
        if not (equals and name.strip() and slug.strip()):
            raise UserError(f"'{pair}' joins nothing; write NAME=CHARACTER.")
        joins[name] = slug.strip()
    people = load_registry(registry)
    imported = import_checkout(path, people, joins)
    paths = write(imported, people, out)
    typer.echo(account(imported))
    typer.echo(
        f"{len(paths)} files in {out}. These texts are not copycat's, and their repository has no licence."
    )
