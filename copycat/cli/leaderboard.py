"""`copycat leaderboard`: a static site of committed results, and adding to them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup


class _Builds(TyperGroup):
    """Without the name of a verb it builds, so that `copycat leaderboard RESULTS…` does what it says."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        named = bool(args) and (args[0] in self.commands or args[0] == "--help")
        return super().parse_args(ctx, args if named else ["build", *args])


app = typer.Typer(cls=_Builds, help="A static site of committed results; `add` adds a run's to them.")


@app.command()
def build(
    results: list[Path] = typer.Argument(
        None, help="Results files, or folders of them; results/leaderboard when none is named."
    ),
    out: Path = typer.Option(Path("site"), help="Folder for the site."),
    space: bool = typer.Option(False, "--space", help="Add the README that makes it a HuggingFace Space."),
) -> None:
    """Build the site: index.html, data.json and leaderboard.csv. The verb's name may be left out."""
    from copycat.errors import RunConflict
    from copycat.io.atomic import write_bytes
    from copycat.leaderboard import read, site
    from copycat.leaderboard.site import MARK
    from copycat.leaderboard.store import FOLDER

    found = read(results or [f for f in (FOLDER,) if f.is_dir()])
    index = out / "index.html"
    if index.exists() and MARK not in index.read_text(encoding="utf-8", errors="replace"):
        raise RunConflict(f"{index} is another page; choose another folder with --out.")
    for name, content in site(found, space=space).items():
        write_bytes(out / name, content)
    count = f"{len(found)} result{'' if len(found) == 1 else 's'}" if found else "No results yet"
    typer.echo(f"{count}: {index}")


@app.command()
def add(
    runs: list[str] = typer.Argument(help="Finished run folders, or their names under results/."),
    by: str = typer.Option("", help="Who ran it, as the site will name them."),
    to: Path | None = typer.Option(
        None, help="The results file; results/leaderboard/MODEL.jsonl when left out."
    ),
    pictures: str = typer.Option("", help="Where the pictures can be seen: an address, or a relative path."),
    withheld: str = typer.Option("", help="Or why they are not shown, in a sentence."),
) -> None:
    """Add a run's numbers to a results file; those of the same measurement are replaced."""
    from pydantic import ValidationError

    from copycat.cli.folders import opened
    from copycat.errors import UserError
    from copycat.leaderboard import Pictures, entries
    from copycat.leaderboard import add as write
    from copycat.leaderboard.store import FOLDER

    if not by.strip():
        raise UserError("Say who ran it with --by NAME; the site names them beside the numbers.")
    made = []
    for name in runs:
        run, reason = opened(name).data(), withheld
        if not pictures and not withheld and run.registry.protected:
            reason = "others hold the rights in these characters."
        try:
            made.append(entries(run, by=by, pictures=Pictures(link=pictures, withheld=reason)))
        except ValidationError as e:
            what = e.errors()[0]["msg"].removeprefix("Value error, ")
            raise UserError(f"{what[0].upper()}{what[1:]}: use --pictures or --withheld.") from e
    for new in made:
        path = to or FOLDER / f"{new[0].model}.jsonl"
        fresh, replaced = write(path, new)
        typer.echo(f"{path}: {fresh} added, {replaced} replaced")
