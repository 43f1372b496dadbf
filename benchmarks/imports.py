"""Counts the imports between rooms: how much the parts of the package know of one another.

A room is a folder of the package, or a module at its root; what every room speaks (rows, errors, settings and
their resolution, the public interface) is none. `python benchmarks/imports.py` prints how many pairs of rooms
there are of which one imports the other, how many imports of modules these are made of, and circles.
"""

from __future__ import annotations

import sys
from collections import Counter

import grimp

SPOKEN = frozenset({"the root", "api", "config", "errors", "records", "resolve"})


def room(module: str) -> str:
    """`copycat.stages.plan` is in the room `stages`."""
    return module.split(".")[1] if "." in module else "the root"


def main() -> None:
    graph = grimp.build_graph("copycat", cache_dir=None)
    crossing = [
        (room(module), room(imported))
        for module in graph.modules
        for imported in graph.find_modules_directly_imported_by(module)
        if room(module) != room(imported)
    ]
    pairs = Counter(p for p in crossing if not SPOKEN & set(p))
    circles = sorted({tuple(sorted(p)) for p in crossing if p[::-1] in crossing})
    rooms = {room(m) for m in graph.modules} - SPOKEN
    sys.stdout.write(
        f"{len(rooms)} rooms, {len(pairs)} pairs of which one imports the other, {pairs.total()} imports of "
        f"modules; with what every room speaks {len(set(crossing))} and {len(crossing)}; "
        f"circles: {circles or 'none'}\n"
    )
    for name in sorted(rooms):
        imported = [other for importer, other in pairs if importer == name]
        times = sum(pairs[name, other] for other in imported)
        sys.stdout.write(f"{name:14} imports from {len(imported):2} rooms, {times:3} times\n")


if __name__ == "__main__":
    main()
