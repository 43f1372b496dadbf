"""What model and judge cards share: finding, naming and loading weights."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from contextlib import AbstractContextManager
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, ValidationInfo, model_validator

from copycat.errors import BadFile, MissingRequirement
from copycat.io.file_hashes import file_hashes
from copycat.io.hosted import Api
from copycat.io.hub import commit_of
from copycat.io.loading import loading
from copycat.io.paths import DATA, locate, locate_unless_name
from copycat.io.yaml_file import file_of
from copycat.records import Row

Dtype = Literal["float32", "float16", "bfloat16"]
PICKLES = (".bin", ".ckpt", ".pt", ".pth", ".pkl", ".pickle")
"""Weight files that can run code when loaded."""
CODE = (".py", ".pyc", ".so", ".pyd")
"""Files of a model's own program code."""
_COMMIT = re.compile("[0-9a-f]{40}")
_READ = (".safetensors", ".json", ".txt", ".jinja", ".model")


def torch_dtype(dtype: Dtype, device: str) -> Any:
    """`dtype` as torch names it; float32 for half precision on a CPU, which lacks it."""
    import torch

    return getattr(torch, "float32" if device == "cpu" and dtype == "float16" else dtype)


class Weights(Row):
    """Where weights come from."""

    model_config = ConfigDict(allow_inf_nan=False)

    source: str
    """A hub repository when `revision` is given, else a folder, absolute or relative to `data/`.

    Of a card that was read from a file it is absolute; in the file it is relative to that (see `locate`).
    """
    revision: str | None = None
    """Commit of the hub repository. A branch is unpinned: it is looked up when a run begins."""

    @model_validator(mode="before")
    @classmethod
    def _locate_source(cls, raw: Any, info: ValidationInfo) -> Any:
        file = file_of(info)
        if not file or not isinstance(raw, dict) or raw.get("revision") or raw.get("api") is not None:
            return raw
        return {**raw, "source": locate(str(raw["source"]), file)} if raw.get("source") else raw

    @property
    def folder(self) -> Path | None:
        """The weights' folder; None for a hub repository."""
        return None if self.revision else DATA / self.source

    @property
    def location(self) -> str:
        """What libraries are told to load: the folder, or the hub repository."""
        return str(self.folder or self.source)

    @property
    def pinned(self) -> bool:
        """Whether the weights cannot change under the same name; a folder is known by its hash."""
        return self.revision is None or _COMMIT.fullmatch(self.revision) is not None

    def commit(self) -> str | None:
        """The commit to load, which the hub is asked for when `revision` is a branch; None for a folder."""
        return self.revision if self.pinned else commit_of(self.source, self.revision or "")

    def loading(self, who: str, kind: str) -> AbstractContextManager[None]:
        """Load these weights in it, quietly: MissingRequirement or BadFile says why `who` is not `kind`.

        Nothing is loaded from a folder with program code or pickles, see :func:`check_folder`.
        """
        if self.folder is not None and self.folder.is_dir():
            _check_harmless(self.folder)
        return loading(self.folder, self.source, who, kind)

    def fingerprint(self) -> str:
        """12 digits of the commit, or of the hash of all that is read from the folder.

        Raises BadFile for a folder that is missing or holds pickles.
        """
        if self.folder is None:
            return (self.commit() or "")[:12]
        check_folder(self.folder)
        return _folder_hash(self.folder, _stamp(self.folder))


def _locate_reference(value: str, info: ValidationInfo) -> str:
    file = file_of(info)
    return locate_unless_name(value, file) if file else value


NameOrPath = Annotated[str, AfterValidator(_locate_reference)]
"""What a card calls by its name, or by a path: another card, a folder or a registry."""


class Retirement(Row):
    """The end of a hosted model, as its provider announced it."""

    date: dt.date
    """The day from which its provider answers no more."""
    successor: str = ""
    """What the provider recommends instead, as it calls it; a card of that name where there is one."""
    told_by: str = ""
    """Where the provider says so."""


class Card(Weights):
    """What every card says."""

    name: str
    api: Api | None = None
    """For a hosted model, whose name with its provider is then `source`."""
    retired: Retirement | None = None
    """For a hosted model that its provider has shut down, or will."""
    dtype: Dtype = "float32"
    batch_size: int = Field(default=1, gt=0)
    min_gpu_gb: float | None = None
    """GPU memory in GB, of a model card with its `offload`; None for a model that a CPU runs well."""
    licence: str = "unknown"

    @property
    def folder(self) -> Path | None:
        """The weights' folder; None for a hub repository and a hosted model."""
        return None if self.api else super().folder

    @property
    def at_a_time(self) -> int:
        """Calls in flight to a hosted model."""
        return (self.api and self.api.concurrency) or self.batch_size

    def with_concurrency(self, calls: int | None) -> Self:
        """This card with so many calls in flight; as it is for None, and where the model runs here."""
        if self.api is None or calls is None:
            return self
        return self.model_copy(update={"api": self.api.model_copy(update={"concurrency": calls})})

    def torch_dtype(self, device: str) -> Any:
        """`dtype` as torch names it; float32 for half precision on a CPU, which lacks it."""
        return torch_dtype(self.dtype, device)

    def end(self, today: dt.date | None = None) -> str:
        """When its provider shuts it down, or did, and what there is instead; empty for all others."""
        if self.retired is None:
            return ""
        when = "was" if self.is_gone(today) else "will be"
        instead = f"; its provider recommends {self.retired.successor}" if self.retired.successor else ""
        return f"{when} shut down on {self.retired.date}{instead}"

    def is_gone(self, today: dt.date | None = None) -> bool:
        """Whether its provider has shut it down by `today`; by now (UTC) unless given."""
        return self.retired is not None and self.retired.date <= (today or dt.datetime.now(dt.UTC).date())

    def check_served(self, who: str) -> None:
        """Raise MissingRequirement where the provider of `who` has shut it down."""
        if self.is_gone():
            raise MissingRequirement(f"{who} {self.end()}, so it cannot be asked any more.")

    def identity(self) -> str:
        """`name@` and the fingerprint of the weights.

        A hosted model has nothing to hash: its identity is what it is called, and where; of a server of one's
        own whose weights the card names (`api.revision`), what it is called and their commit.
        """
        if self.api:
            where = self.api.revision or self.api.base_url
            return f"{self.name}@{self.source}{f'@{where}' if where else ''}"
        return f"{self.name}@{self.fingerprint()}"


def check_folder(folder: Path) -> None:
    """Refuse a weights folder that is missing, holds pickles or program code, or holds no safetensors."""
    if not folder.is_dir():
        raise BadFile(f"The weights folder {folder} does not exist.")
    _check_harmless(folder)
    if not any(folder.rglob("*.safetensors")):
        raise BadFile(f"The weights folder {folder} holds no .safetensors file.")


def _check_harmless(folder: Path) -> None:
    """Raise BadFile for a folder with files that run code when they are loaded."""
    for path in sorted(folder.rglob("*")):
        kind = path.suffix.lower()
        if kind in PICKLES:
            raise BadFile(
                f"{path} is a pickle, which can run code when loaded; convert the weights to safetensors."
            )
        if kind in CODE:
            raise BadFile(
                f"{path} is program code, and no code of a model is run here; where the model loads without "
                "it, as most do, remove the file from the folder."
            )


def _files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.suffix in _READ and p.is_file())


def _stamp(folder: Path) -> tuple[tuple[str, int, int, int], ...]:
    states = ((str(p), p.stat()) for p in _files(folder))
    return tuple((path, s.st_size, s.st_mtime_ns, s.st_ctime_ns) for path, s in states)


@lru_cache(maxsize=16)
def _folder_hash(folder: Path, stamp: tuple[tuple[str, int, int, int], ...]) -> str:  # noqa: ARG001
    """`stamp` is in the key only, so that changed files are hashed anew."""
    total, files = hashlib.sha256(), _files(folder)
    for path, content in zip(files, file_hashes(files), strict=True):
        total.update(f"{path.relative_to(folder).as_posix()}\0".encode())
        total.update(content)
    return total.hexdigest()[:12]
