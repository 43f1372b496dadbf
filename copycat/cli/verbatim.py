"""`copycat verbatim …`: how close outputs come to works, of pictures (`copycat verbatim RUN`) and of text."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from copycat.cli import verbatim_images, verbatim_text


class _RunFirst(TyperGroup):
    """A group that takes a run folder where another has the name of a command: `copycat verbatim RUN`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        # An option of the run's command may stand before the run; this group itself has those of help alone.
        if args and args[0] not in ctx.help_option_names and args[0] not in self.commands:
            args = ["images", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(cls=_RunFirst, no_args_is_help=True, help="How close outputs come to the works themselves.")
app.command()(verbatim_images.images)
app.command()(verbatim_images.calibrate)
app.command()(verbatim_text.text)
