"""JSON, YAML and text from elsewhere: read within bounds, and refused with a ValueError beyond them.

The parsers themselves do not bound what they are given: deep YAML ends the process, a kilobyte of YAML can
stand for more objects than memory holds, and deep JSON raises an error that is no ValueError.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import yaml

DEEPEST: Final = 64
"""Levels of nesting that are read; nothing that copycat reads needs ten."""
MOST_REPEATED: Final = 100_000
"""Nodes that the aliases of a YAML file may repeat in all."""

LONGEST_INTEGER: Final = 4096
"""Bits of an integer in YAML, some 1,200 digits. Longer ones come of `1:2:3`, which YAML reads in base sixty,
and of hexadecimal digits; Python refuses to write them out."""


class Unreadable(ValueError):
    """A document beyond the bounds, or one that a parser stumbles over."""


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The safe loader, in C where PyYAML was built with it, which is ten times as fast."""


def _integer(loader: Any, node: Any) -> int:
    value: int = loader.construct_yaml_int(node)
    if value.bit_length() > LONGEST_INTEGER:
        line = node.start_mark.line + 1
        raise Unreadable(f"the integer in line {line} has more than {LONGEST_INTEGER} bits")
    return value


_Loader.add_constructor("tag:yaml.org,2002:int", _integer)


def read_text(path: Path) -> str:
    """The UTF-8 text in `path`. Raises OSError, or ValueError for other bytes and a path that can be none."""
    return path.read_text(encoding="utf-8")


def parse_json(text: str | bytes) -> Any:
    """What the JSON `text` holds. Raises ValueError for text that is none, or nested too deeply."""
    try:
        return json.loads(text)
    except RecursionError:
        raise Unreadable("it is nested too deeply") from None


def parse_yaml(text: str) -> Any:
    """What the YAML `text` holds: plain data, in the order of the file.

    Raises ValueError for text that is no YAML, is nested more than DEEPEST levels deep, holds itself,
    repeats more than MOST_REPEATED nodes by aliases, or has an integer beyond LONGEST_INTEGER.
    """
    try:
        _check_size(text)
        return yaml.load(text, Loader=_Loader)  # noqa: S506  a safe loader
    except yaml.YAMLError as e:
        mark = getattr(e, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark else ""
        raise Unreadable(f"it is not valid YAML{where}") from e
    except (ArithmeticError, AttributeError, LookupError, TypeError) as e:
        # Values that look like a date or a number and are none, such as `!!float x`.
        raise Unreadable(f"it is not valid YAML ({type(e).__name__}: {e})") from e


def _check_size(text: str) -> None:
    """Count nodes while they are parsed, before any of them is built."""
    sizes: dict[str, int] = {}
    """Nodes that an anchor stands for, by its name."""
    open_nodes: list[tuple[str | None, int]] = []
    """Anchors of the collections that are open, and the count when each began."""
    nodes = repeated = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in sizes:
                raise Unreadable(f"line {event.start_mark.line + 1} refers to what is not written before it")
            nodes += sizes[event.anchor]
            repeated += sizes[event.anchor]
            if repeated > MOST_REPEATED:
                raise Unreadable(f"its aliases repeat more than {MOST_REPEATED:,} values")
        elif isinstance(event, yaml.CollectionStartEvent):
            if len(open_nodes) == DEEPEST:
                raise Unreadable(f"it is nested more than {DEEPEST} levels deep")
            open_nodes.append((event.anchor, nodes))
            nodes += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_nodes.pop()
            if anchor is not None:
                sizes[anchor] = nodes - before
        elif isinstance(event, yaml.ScalarEvent):
            nodes += 1
            if event.anchor is not None:
                sizes[event.anchor] = 1
