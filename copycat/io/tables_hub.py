"""Tables in HuggingFace data sets, on this machine or on the hub; with the package `datasets`."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

from copycat.errors import BadFile, MissingRequirement, first_line, require
from copycat.io.hub import explain
from copycat.io.tables import ENDINGS, Cells, read_table

_HUB = re.compile(r"[\w.-]+/[\w.-]+(@[\w./-]+)?")


def load_table(source: str, what: str, config: str, text: Collection[str]) -> list[Cells]:
    """The rows of a file, as :func:`read_table` gives them, or of a data set, all its splits.

    A data set is a local folder or `user/name`, with `@revision` for a fixed one; of several configurations
    `config` is read, if there is one of that name. Numbers in the columns `text` become text, classes their
    names. A picture that is itself in a column is known by its file's name, and by its hash in the column
    `sha256`. Raises BadFile as :func:`read_table` does, and MissingRequirement without the package
    `datasets` or the hub.
    """
    path = Path(source)
    if path.is_file() or path.suffix.lower() in ENDINGS:
        return read_table(path, what)
    if path.is_dir() or _HUB.fullmatch(source):
        return _data_set(source, config, text)
    raise BadFile(
        f"There is no {what} at {source}: give a file ({', '.join(ENDINGS)}), the folder of a data set, or "
        "user/name of one on the hub."
    )


def _data_set(source: str, config: str, text: Collection[str]) -> list[Cells]:
    datasets = require("datasets", "datasets>=4.0", f"Reading the data set {source}")
    folder = Path(source) if Path(source).is_dir() else None
    try:
        saved = folder is not None and _is_saved(folder)
        splits = _saved(datasets, source) if saved else _loaded(datasets, source, config)
    except Exception as e:
        if folder is None:
            raise MissingRequirement(explain(e, source.partition("@")[0], f"The data set {source}")) from e
        raise BadFile(f"{folder} does not load as a data set ({first_line(e)}).") from e
    return [row for split in splits for row in _rows(datasets, split, text)]


def _is_saved(folder: Path) -> bool:
    return (folder / "dataset_dict.json").is_file() or (folder / "state.json").is_file()


def _saved(datasets: Any, folder: str) -> list[Any]:
    found = datasets.load_from_disk(folder)
    return list(found.values()) if isinstance(found, dict) else [found]


def _loaded(datasets: Any, source: str, config: str) -> list[Any]:
    datasets.disable_progress_bars()
    name, _, revision = (source, "", "") if Path(source).is_dir() else source.partition("@")
    at: dict[str, Any] = {"revision": revision} if revision else {}
    configs = datasets.get_dataset_config_names(name, **at)
    chosen = config if config in configs else None
    return list(datasets.load_dataset(name, chosen, **at).values())


def _rows(datasets: Any, split: Any, text: Collection[str]) -> list[Cells]:
    for column, feature in split.features.items():
        if isinstance(feature, datasets.Image):
            split = split.cast_column(column, datasets.Image(decode=False))
    rows: list[Cells] = split.to_list()
    for row in rows:
        for column, feature in split.features.items():
            value = row[column]
            if isinstance(feature, datasets.ClassLabel):
                row[column] = None if value is None or value < 0 else feature.names[value]
            elif isinstance(feature, datasets.Image):
                held = value or {}
                row[column] = Path(held.get("path") or "").name
                row["sha256"] = hashlib.sha256(held["bytes"]).hexdigest() if held.get("bytes") else ""
            elif column in text and isinstance(value, int | float) and value == value:
                # A CSV file of a data set is read without saying what is text: a character may be called
                # 1942, and is 1942.0 beside a cell without a value.
                row[column] = str(int(value)) if float(value).is_integer() else str(value)
    return rows
