"""What all verbs have in common when their command line is read."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand


class Verb(TyperCommand):
    """A verb that refuses an empty path: `--out ""`, as a shell writes an unset variable, means the working
    folder to a parser of paths, and to nobody who types it."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        given, _, _ = self.make_parser(ctx).parse_args(args=list(args))
        hints: dict[str, Any] = getattr(self.callback, "__annotations__", {})
        for param in self.params:
            if "Path" in str(hints.get(param.name or "")) and _has_empty(given.get(param.name)):
                ctx.fail(f"'{'/'.join(param.opts)}' is empty; name a file or folder, or leave it out.")
        return super().parse_args(ctx, args)


def _has_empty(given: Any) -> bool:
    return given == "" or (isinstance(given, list | tuple) and "" in given)
