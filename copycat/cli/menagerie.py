"""`copycat menagerie …`: handed on to the menagerie's own program, imported only then."""

from __future__ import annotations

import typer


def menagerie(context: typer.Context) -> None:
    """Rebuild the menagerie and measure it."""
    from copycat.errors import MissingRequirement

    try:
        from copycat.menagerie.cli import app
    except ImportError as e:
        raise MissingRequirement(f"The menagerie's tools cannot be loaded here ({e}).") from e
    program = typer.main.get_command(app)
    program.main(args=context.args or ["--help"], prog_name="copycat menagerie", standalone_mode=False)
