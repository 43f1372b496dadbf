"""What must be the same in an undisturbed and in a disturbed folder."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from copycat.runs.folder import RunFolder

Bits = Mapping[str, str]
"""What a folder holds, by what it is."""
_NUMBERS = ("requests.jsonl", "metrics.json", "agreement.json", "table.csv", "table.md", "pareto.svg")


def of_run(path: Path) -> Bits:
    """Pictures, answers, numbers and tables of a run, and how many rows there are."""
    folder = RunFolder(path)
    data = folder.data()
    found = {"rows": f"{len(data.image_rows)} pictures, {len(data.verdict_rows)} verdicts"}
    for request, rows in data.frames.items():
        for row in rows:
            files = [_hash(path / f) for f in (row.file, row.video, row.strip) if f]
            found[f"picture {request} {row.frame}"] = f"{row.outcome} {' '.join(files)}"
    for v in data.verdicts:
        place = f"answer {v.request} {v.frame} {v.kind} {v.judge} {v.question_hash}"
        found[place] = v.answer.model_dump_json()
    return found | {name: _hash(path / name) for name in _NUMBERS if (path / name).is_file()}


def of_tree(path: Path) -> Bits:
    """Every file of a folder."""
    return {p.relative_to(path).as_posix(): _hash(p) for p in sorted(path.rglob("*")) if p.is_file()}


def difference(mine: Bits, reference: Bits) -> str:
    """The first thing in which two folders differ, and how many more; empty where they do not."""
    found = sorted(k for k in {*mine, *reference} if mine.get(k) != reference.get(k))
    if not found:
        return ""
    first = found[0]
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    return f"{first}: {mine.get(first)!r} in place of {reference.get(first)!r}{more}"


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16] if path.is_file() else "missing"
