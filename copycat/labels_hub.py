"""Tables in HuggingFace data sets, on this machine or on the hub; with the package `datasets`."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from copycat.errors import BadFile, MissingRequirement, install_hint
from copycat.hub import explain

if TYPE_CHECKING:
    import pandas as pd

TEXTS = frozenset({"image", "character", "rater", "saw"})
CONFIG = "labels"
"""The configuration that is read where a data set has several."""


def table(source: str, config: str = CONFIG) -> pd.DataFrame:
    """All splits of the data set in the folder `source`, or of `user/name[@revision]` on the hub.

    Of several configurations `config` is read, if there is one of that name. Classes become their names. A
    picture that is itself in the column `image` is known by its file's name and its SHA-256.
    """
    try:
        import datasets
    except ImportError as e:
        raise MissingRequirement(
            f"Data sets are read with the package datasets; {install_hint('datasets>=4.0')}."
        ) from e
    import pandas as pd

    folder = Path(source) if Path(source).is_dir() else None
    try:
        splits = _saved(folder) if folder and _is_saved(folder) else _loaded(source, folder, config)
    except Exception as e:
        if folder is None:
            raise MissingRequirement(explain(e, source.partition("@")[0], f"The data set {source}")) from e
        reason = (str(e).strip() or type(e).__name__).splitlines()[0].rstrip(".:")
        raise BadFile(f"{folder} does not load as a data set ({reason}).") from e
    return pd.concat([_frame(datasets, split) for split in splits], ignore_index=True)


def _is_saved(folder: Path) -> bool:
    return (folder / "dataset_dict.json").is_file() or (folder / "state.json").is_file()


def _saved(folder: Path | None) -> list[Any]:
    import datasets

    found = datasets.load_from_disk(str(folder))
    return list(found.values()) if isinstance(found, dict) else [found]


def _loaded(source: str, folder: Path | None, config: str) -> list[Any]:
    import datasets

    datasets.disable_progress_bars()
    name, _, revision = (str(folder), "", "") if folder else source.partition("@")
    at: dict[str, Any] = {"revision": revision} if revision else {}
    configs = datasets.get_dataset_config_names(name, **at)
    chosen = config if config in configs else None
    return list(datasets.load_dataset(name, chosen, **at).values())


def _frame(datasets: Any, split: Any) -> pd.DataFrame:
    for column, feature in split.features.items():
        if isinstance(feature, datasets.Image):
            split = split.cast_column(column, datasets.Image(decode=False))
    frame: pd.DataFrame = split.to_pandas()
    for column, feature in split.features.items():
        if isinstance(feature, datasets.ClassLabel):
            frame[column] = [feature.names[int(v)] if v == v and v >= 0 else None for v in frame[column]]
        elif isinstance(feature, datasets.Image):
            held = frame[column]
            frame[column] = [Path(v["path"] or "").name for v in held]
            frame["sha256"] = [hashlib.sha256(v["bytes"]).hexdigest() if v["bytes"] else "" for v in held]
        elif column in TEXTS and str(feature.dtype).startswith(("int", "uint", "float")):
            # A CSV file of a data set is read without saying what is text: a character may be called 1942.
            frame[column] = ["" if v != v else f"{v:g}" for v in frame[column]]
    return frame
