"""Registries from tables: a user's own characters, from a file or a HuggingFace data set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from copycat.errors import BadFile, UserError, first_fault
from copycat.io.atomic import write_text
from copycat.io.documents import parse_json
from copycat.io.tables import Cells, filled, lacking
from copycat.io.tables_hub import load_table
from copycat.subjects.characters import (
    CHARACTER,
    Character,
    Registry,
    load_registry,
    locate_references,
    normalise,
    registry_yaml,
)

CONFIG = "characters"
"""The configuration of a data set that is read, as `copycat publish` writes it."""
_NEEDED = ("name", "owner", "generic")


def import_registry(source: str, out: Path, name: str | None = None) -> Registry:
    """Write the characters in `source` to the registry file `out`, and return them.

    `source` is a CSV, TSV, JSONL or Parquet file, the folder of a data set, or `user/name[@revision]` on the
    hub, with a column for each field of :class:`Character` that is told; `name`, `owner` and `generic` are
    needed. In text, several values are separated by semicolons, and nested ones are JSON. A column `noun`
    says what the subjects are called. Columns of other names are left alone. Raises BadFile for what is no
    such table, UserError when `out` is there already, and MissingRequirement without the hub; nothing is
    written then.
    """
    if out.exists():
        raise UserError(f"{out} is there already; choose another --out.")
    if out.suffix not in {".yaml", ".yml"}:
        raise UserError(f"A registry is a .yaml file, not {out.name}.")
    text = [name for name, field in Character.model_fields.items() if field.annotation is str]
    table = load_table(source, "table of characters", CONFIG, text)
    missing = lacking(table, _NEEDED)
    if missing:
        what = f"no column {', '.join(missing)}" if table else "no rows"
        raise BadFile(f"{source} has {what}; a registry needs {', '.join(_NEEDED)}.")
    rows = [filled(row) for row in table]
    registries = {str(r["registry"]) for r in rows if r.get("registry")}
    if name is None and len(registries) > 1:
        raise UserError(
            f"{source} holds the registries {', '.join(sorted(registries))}; name one with --name."
        )
    name = name or next(iter(registries), out.stem)
    mine = [r for r in rows if not registries or str(r.get("registry")) == name]
    if not mine:
        raise UserError(f"{source} has no characters of {name}, but of {', '.join(sorted(registries))}.")
    people = [_character(row, source, number) for number, row in enumerate(mine, 1)]
    if Path(source).is_file():
        people = [locate_references(c, Path(source)) for c in people]
    protected = mine[0].get("protected", True)
    version = mine[0].get("registry_version") or 1
    registry = Registry(
        name,
        int(version),
        people,
        protected=str(protected).casefold() not in {"false", "0"},
        noun=str(mine[0].get("noun") or CHARACTER),
    )
    twice = sorted({c.slug for c in people if sum(d.slug == c.slug for d in people) > 1})
    if twice:
        raise BadFile(f"{source} has {twice[0]} twice; slugs must be unique.")
    write_text(out, registry_yaml(registry, out.parent))
    return load_registry(str(out))


def _character(row: Cells, source: str, number: int) -> Character:
    # `marks` is what the column was called before.
    named = {"attributes" if k == "marks" else k: v for k, v in row.items()}
    told = {k: _value(k, v) for k, v in named.items() if k in Character.model_fields}
    told.setdefault("slug", "-".join(normalise(str(row.get("name", ""))).split()))
    try:
        return Character.model_validate(told)
    except ValidationError as e:
        raise BadFile(f"{source}, row {number}: not a character ({first_fault(e)}).") from e


def _value(field: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith(("[", "{")):
        try:
            return parse_json(value)
        except ValueError:
            return value
    plural = str(Character.model_fields[field].annotation).startswith("tuple[str")
    return [v.strip() for v in value.split(";") if v.strip()] if plural else value
