"""`copycat import-upstream`: the prompt files of princeton-nlp/CopyCat in our format."""

from __future__ import annotations

from pathlib import Path

import typer


def import_upstream(
    path: Path = typer.Argument(help="A checkout of princeton-nlp/CopyCat, or its folder `prompts`."),
    out: Path | None = typer.Option(
        None,
        help="Folder for the prompt sets, the registry and the account; your own folder when left out, where "
        "sets and registry go by name.",
    ),
    registry: str = typer.Option("copycat", help="Character registry to join the rows to."),
    join: list[str] = typer.Option(
        [], help="A name there and a character here, as in 'Baby Bear=yogi-bear'; may be repeated."
    ),
    keywords: bool = typer.Option(
        True,
        "--keywords/--no-keywords",
        help="Put its LM, EmbSim and LAION words into your own folder, where negprompt-lm, -emb and -cooc "
        "find them.",
    ),
) -> None:
    """Read the CopyCat suite's own prompts, say what had to be mended, and join nothing by guesswork."""
    from copycat.cards.catalog import home
    from copycat.errors import UserError
    from copycat.subjects.characters import CATALOG as REGISTRIES
    from copycat.subjects.characters import load_registry
    from copycat.subjects.keywords import CATALOG as KEYWORDS
    from copycat.subjects.keywords import check_target, listed, write_rankings
    from copycat.subjects.prompts import CATALOG as PROMPTS
    from copycat.subjects.upstream import account, import_checkout, rankings, write
    from copycat.subjects.upstream.checkout import REGISTRY, write_account, write_registry, write_sets

    joins = {}
    for pair in join:
        name, equals, slug = pair.partition("=")
        if not (equals and name.strip() and slug.strip()):
            raise UserError(f"'{pair}' joins nothing; write NAME=CHARACTER.")
        joins[name] = slug.strip()
    people = load_registry(registry)
    imported = import_checkout(path, people, joins)
    # The registry that is written has the same characters, so both names find the words.
    targets = {name: KEYWORDS.own(name) for name in (people.name, REGISTRY)} if keywords else {}
    for target in targets.values():
        check_target(target)
    if out is not None:
        paths = write(imported, people, out)
    else:
        folders = [PROMPTS.own(f"{name}/x").parent for name in (people.name, REGISTRY)]
        paths = [p for folder in folders for p in write_sets(imported, folder)]
        paths.append(write_registry(imported, people, REGISTRIES.own(REGISTRY)))
        paths.append(write_account(imported, home() / "upstream.md"))
    typer.echo(account(imported))
    typer.echo(
        f"{len(paths)} files in {out or home()}. These texts are not copycat's, and their repository has no "
        "licence."
    )
    made = rankings(imported)
    for name, target in targets.items():
        if not made:
            break
        for words, ranking in made.items():
            before = listed(words, name)
            if before is not None and before != ranking:
                typer.echo(f"{name}: negprompt-{words} had words of another source: {before.source}")
        write_rankings(target, name, made, f"copycat import-upstream {path}")
        kinds = ", ".join(f"negprompt-{words}" for words in made)
        typer.echo(f"{target}: with the registry {name}, {kinds} now take the checkout's words")
