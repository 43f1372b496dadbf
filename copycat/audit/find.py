"""Finds the data set that a path or a name on the hub means."""

from __future__ import annotations

import glob
from pathlib import Path

from copycat.audit.dataset import Dataset
from copycat.audit.rows import SAMPLE
from copycat.errors import BadFile, UserError
from copycat.io.paths import expand
from copycat.publish import remote

MOST_FETCHED = 200_000_000
"""Bytes of a data set of the hub that are fetched: words first, then tables, the smallest first."""
_WORDS = (".md", ".txt", ".json", ".cff", ".yaml", ".yml", ".py", ".sh", ".ipynb")
_TABLES = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")


def find(text: str, sample: int = SAMPLE) -> Dataset:
    """The folder `text`, or the data set of the hub that it names (`user/name`, `user/name@revision`).

    Raises BadFile for a file and for nothing at all, MissingRequirement for what the hub does not have.
    """
    path = expand(text)
    try:
        is_folder, is_there = path.is_dir(), path.exists()
    except OSError as e:
        raise BadFile(f"{text[:60]}… cannot be used as a path ({e.strerror}).") from e
    if is_folder:
        return Dataset(path, path.resolve().name, sample=sample)
    if is_there:
        raise BadFile(f"{text} is a file; name the folder of a data set.")
    try:
        wanted = remote.hub_dataset(text)
    except UserError as e:
        raise BadFile(
            f"There is no folder {text}, and it is no data set on the hub either; write user/name for one."
        ) from e
    commit, files = remote.sizes(wanted)
    chosen = _chosen(files)
    # Names are no patterns.
    asked = [glob.escape(f) for f in chosen]
    folder, _ = remote.download(remote.HubDataset(wanted.repository, commit), asked)
    left = tuple(sorted(f for f in files if f not in chosen and Path(f).suffix.lower() in _TABLES))
    dataset = Dataset(folder, wanted.repository, commit, left, sample)
    if left:
        dataset.note(
            "",
            f"{len(left):,} of its tables were not fetched, such as {left[0]}: more than "
            f"{MOST_FETCHED / 1e6:,.0f} MB in all. What is said of its items is said of the others",
        )
    return dataset


def _chosen(files: dict[str, int]) -> set[str]:
    """What is fetched of `files`, whose bytes are known: no picture, no sound and not too much."""
    kinds = (
        [f for f in files if Path(f).suffix.lower() in _WORDS or not Path(f).suffix],
        [f for f in files if Path(f).suffix.lower() in _TABLES],
    )
    chosen, total = set[str](), 0
    for kind in kinds:
        for file in sorted(kind, key=lambda f: (files[f], f)):
            total += files[file]
            if total > MOST_FETCHED:
                return chosen
            chosen.add(file)
    return chosen
