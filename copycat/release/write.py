"""Writes the data set: tables, card, datasheet, Croissant, licence, opt-outs, changes, code and checksums."""

from __future__ import annotations

import hashlib
import json
from importlib import metadata
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from copycat.errors import UserError
from copycat.io.atomic import new_folder, write_bytes, write_text
from copycat.io.paths import PACKAGE, ROOT
from copycat.publish.card import size_category
from copycat.publish.croissant import CITE
from copycat.release.croissant import COLUMNS, Part, croissant
from copycat.release.declared import Release
from copycat.release.parts import PARTS, REGISTRIES, rows
from copycat.report.page import environment
from copycat.runtime.progress import Progress
from copycat.stats.proportions import wilson
from copycat.subjects.characters import load_registry

CODE = (
    *("menagerie/corpus.py", "menagerie/world.py", "menagerie/captions.py", "menagerie/render.py"),
    *("menagerie/neutral.py", "release/parts.py", "release/selection.py", "release/declared.py"),
    "release/write.py",
)
"""What the data was made and chosen with; copies lie in `code/`."""
SUMS = "SHA256SUMS"


def write(release: Release, target: Path, contact: str, progress: Progress | None = None) -> list[Part]:
    """Write the whole data set to the new or empty folder `target`; returns its tables.

    `contact` is where people turn to who want something removed: an e-mail address or an https address. The
    same declaration gives the same bytes. Raises UserError without a contact, RunConflict for a folder that
    holds something.
    """
    if "@" not in contact.strip("@") and not contact.startswith("https://"):
        raise UserError(
            "Say where people turn to who want something removed: --contact with an e-mail address or an "
            "https:// address."
        )
    progress = progress or Progress()
    progress.start("data set", len(PARTS))
    try:
        with new_folder(target.resolve()) as folder:
            parts = []
            for name in PARTS:
                part = _table(release, name, folder)
                parts += [part] if part else []
                progress.advance(1)
            _documents(release, parts, contact, folder)
            _sign(folder)
    finally:
        progress.done()
    return parts


def _table(release: Release, name: str, folder: Path) -> Part | None:
    """One table as a file; None for a part of which nothing is here."""
    held = list(rows(release, name))
    if not held:
        return None
    columns = [c for c in COLUMNS if any(c in cells for cells in held)]
    table = pa.Table.from_pylist([{c: cells.get(c) for c in columns} for cells in held])
    path = folder / "data" / f"{name}.parquet"
    path.parent.mkdir(exist_ok=True)
    pq.write_table(table, path, compression="zstd")
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    about = release.components[name].about
    return Part(name, about, f"data/{name}.parquet", len(held), len(content), digest, table.schema)


def _documents(release: Release, parts: list[Part], contact: str, folder: Path) -> None:
    for file in CODE:
        write_bytes(folder / "code" / file.replace("/", "_"), (PACKAGE / file).read_bytes())
    write_bytes(folder / "LICENSE", licence_text())
    write_text(folder / "croissant.json", _json(croissant(release, parts, contact)))
    asked = [r.model_dump(mode="json") for r in release.opt_outs.requests]
    record = {"checked": release.opt_outs.checked.isoformat(), "requests": asked}
    write_text(folder / "opt-outs.yaml", yaml.safe_dump(record, sort_keys=False, allow_unicode=True))
    engine = environment("copycat.release", escape=False)
    for name in ("README.md", "datasheet.md", "CHANGELOG.md", "REMOVAL.md"):
        text = engine.get_template(f"{name}.j2").render(
            front=yaml.safe_dump(_front(release, parts), sort_keys=False, allow_unicode=True),
            release=release,
            parts=parts,
            contact=contact,
            code=[f"code/{file.replace('/', '_')}" for file in CODE],
            interval=wilson(release.licences_checked.wrong, release.licences_checked.rows),
            protected=sum(len(r) for r in map(load_registry, REGISTRIES) if r.protected),
            cite=CITE,
        )
        write_text(folder / name, f"{text.rstrip()}\n")


def _front(release: Release, parts: list[Part]) -> dict[str, Any]:
    return {
        "pretty_name": release.title,
        "license": release.licence.lower(),
        "language": list(release.languages),
        "version": release.version,
        "openness": "openly licensed",
        "task_categories": ["text-to-image"],
        "size_categories": [size_category(sum(p.rows for p in parts))],
        "tags": ["copycat", "text-to-image", "copyright", "evaluation", "croissant"],
        "configs": [{"config_name": p.name, "data_files": p.file} for p in parts],
    }


def licence_text() -> bytes:
    """The text of copycat's licence, from the checkout or from the installed package."""
    beside = ROOT / "LICENSE"
    if beside.is_file():
        return beside.read_bytes()
    told = metadata.distribution("copycat-eval").read_text("licenses/LICENSE")
    if told is None:
        raise UserError("The text of copycat's licence is not in this installation; install copycat anew.")
    return told.encode()


def _sign(folder: Path) -> None:
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    lines = [
        f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.relative_to(folder).as_posix()}\n" for p in files
    ]
    write_text(folder / SUMS, "".join(lines))


def _json(content: Any) -> str:
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"
