"""Croissant: whether a description is valid, and whether it is true of the files beside it."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from copycat.audit.dataset import Dataset
from copycat.audit.licences import read_licence
from copycat.audit.results import Evidence, shortened
from copycat.errors import first_line, require

_BULLET = re.compile(r"^\s*-\s+", re.M)


def invalid(path: Path, body: Any) -> list[str]:
    """What is wrong with a description, in words; empty for a valid one.

    Raises MissingRequirement without the package mlcroissant, unless what is missing shows without it.
    """
    lacking = list(_lacking(body))
    if lacking:
        return lacking
    library = require("mlcroissant", "mlcroissant>=1.1", "Checking Croissant")
    # What it only recommends is no fault, and not shown.
    told_by = logging.getLogger("absl")
    before = told_by.level
    told_by.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            library.Dataset(jsonld=path)
    except Exception as e:  # noqa: BLE001  a file may break it in any way
        # What it only recommends comes last.
        told = _BULLET.split(
            str(e).partition("warning(s)")[0].rpartition("Found the following")[0] or str(e)
        )[1:]
        return [shortened(line, 200) for line in told] or [shortened(first_line(e), 200)]
    finally:
        told_by.setLevel(before)
    return []


def _lacking(body: Any) -> Iterator[str]:
    if not isinstance(body, dict):
        yield "it is no object"
        return
    kind = str(body.get("@type", ""))
    if kind.rpartition(":")[2].rpartition("/")[2] != "Dataset":
        yield f"its @type is {kind or 'missing'}, and not sc:Dataset"
    for name in ("@context", "name", "distribution", "recordSet", "conformsTo"):
        if name not in body:
            yield f"it has no {name}"
    if far := next(_elsewhere(body), ""):
        yield f"its @context is to be loaded from {shortened(far)}; write it out, as nothing is fetched"


def _elsewhere(body: Any) -> Iterator[str]:
    """Contexts that the parser would fetch, from the network or from this machine."""
    open_values = [body]
    while open_values:
        held = open_values.pop()
        if isinstance(held, dict):
            open_values += held.values()
            named = held.get("@context")
            for far in (held.get("@import"), *(named if isinstance(named, list) else [named])):
                if isinstance(far, str):
                    yield far
        elif isinstance(held, list):
            open_values += held


def untrue(dataset: Dataset) -> list[Evidence]:
    """What a description says of files, columns and licence that is not so."""
    file, body = dataset.croissant or ("", {})
    found = untrue_files(dataset)
    found += _columns(dataset, file, body)
    card, told = dataset.front.get("license"), body.get("license")
    ours, theirs = (read_licence(v[0] if isinstance(v, list) and v else v) for v in (card, told))
    if ours and theirs and ours.expression != theirs.expression:
        found.append(
            Evidence(file=file, found=f"license {theirs.expression}; the card says {ours.expression}")
        )
    if card and not told:
        found.append(Evidence(file=file, found="no license, which the card has"))
    return found


def _objects(body: Any) -> list[dict[str, Any]]:
    listed = body.get("distribution", ()) if isinstance(body, dict) else ()
    listed = listed if isinstance(listed, list) else [listed]
    return [o for o in listed if isinstance(o, dict)]


def _local(described: dict[str, Any]) -> str | None:
    """The file beside the description that an object is; None for what lies elsewhere."""
    address = described.get("contentUrl")
    if not isinstance(address, str) or re.match(r"[a-z]+:", address) or described.get("containedIn"):
        return None
    return address.removeprefix("./")


def has_hashes(dataset: Dataset) -> bool:
    """Whether the description has the hash of a file beside it."""
    return any(o.get("sha256") and _local(o) for o in _objects((dataset.croissant or ("", None))[1]))


def untrue_files(dataset: Dataset) -> list[Evidence]:
    """Files that a description names and that are missing, or have another hash."""
    file, body = dataset.croissant or ("", {})
    return list(_files(dataset, file, body))


def _files(dataset: Dataset, file: str, body: Any) -> Iterator[Evidence]:
    for described in _objects(body):
        local = _local(described)
        if local is None or local in dataset.left:
            continue
        if local not in dataset.files:
            yield Evidence(file=file, found=f"{described.get('@id', '?')}: {local} is not there")
            continue
        told = described.get("sha256")
        if told is not None:
            digest = dataset.digest(local, "sha256")
            if digest is not None and digest != str(told).lower():
                yield Evidence(file=file, found=f"{local} has another sha256")


def _columns(dataset: Dataset, file: str, body: Any) -> Iterator[Evidence]:
    by_id = {str(o.get("@id")): _local(o) for o in _objects(body)}
    columns = {t.file: set(t.columns) for t in dataset.tables if t.rows}
    sets = body.get("recordSet", ())
    for records in sets if isinstance(sets, list) else [sets]:
        fields = records.get("field", ()) if isinstance(records, dict) else ()
        for field in fields if isinstance(fields, list) else [fields]:
            source = field.get("source") if isinstance(field, dict) else None
            if not isinstance(source, dict):
                continue
            owner, extract = source.get("fileObject"), source.get("extract")
            at = by_id.get(str(owner.get("@id"))) if isinstance(owner, dict) else None
            column = extract.get("column") if isinstance(extract, dict) else None
            if at in columns and isinstance(column, str) and column not in columns[str(at)]:
                yield Evidence(file=file, found=f"{at} has no column {column}")
