"""What model and judge cards share: reading YAML, and finding and naming weights."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from pathlib import Path
from typing import Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from copycat.api import Api
from copycat.errors import BadFile
from copycat.hub import commit_of
from copycat.paths import DATA

Dtype = Literal["float32", "float16", "bfloat16"]
PICKLES = (".bin", ".ckpt", ".pt", ".pth", ".pkl", ".pickle")
"""Weight files that can run code when loaded."""
_COMMIT = re.compile("[0-9a-f]{40}")
_READ = (".safetensors", ".json", ".txt", ".jinja", ".model")


class Weights(BaseModel):
    """Where weights come from."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    source: str
    """A hub repository when `revision` is given, else a folder, absolute or relative to `data/`."""
    revision: str | None = None
    """Commit of the hub repository. A branch is unpinned: it is looked up when a run begins."""

    @property
    def folder(self) -> Path | None:
        """The weights' folder; None for a hub repository."""
        return None if self.revision else DATA / self.source

    @property
    def pinned(self) -> bool:
        """Whether the weights cannot change under the same name; a folder is known by its hash."""
        return self.revision is None or _COMMIT.fullmatch(self.revision) is not None

    def commit(self) -> str | None:
        """The commit to load, which the hub is asked for when `revision` is a branch; None for a folder."""
        return self.revision if self.pinned else commit_of(self.source, self.revision or "")

    def fingerprint(self) -> str:
        """12 digits of the commit, or of the hash of all that is read from the folder.

        Raises BadFile for a folder that is missing or holds pickles.
        """
        if self.folder is None:
            return (self.commit() or "")[:12]
        check_folder(self.folder)
        return _folder_hash(self.folder, _stamp(self.folder))


class Card(Weights):
    """What every card says."""

    name: str
    api: Api | None = None
    """For a hosted model, whose name with its provider is then `source`."""
    dtype: Dtype = "float32"
    batch_size: int = Field(default=1, gt=0)

    @property
    def folder(self) -> Path | None:
        """The weights' folder; None for a hub repository and a hosted model."""
        return None if self.api else super().folder

    def identity(self) -> str:
        """`name@` and the fingerprint of the weights.

        A hosted model has nothing to hash: its identity is what it is called, and where.
        """
        if self.api:
            return f"{self.name}@{self.source}{f'@{self.api.base_url}' if self.api.base_url else ''}"
        return f"{self.name}@{self.fingerprint()}"


C = TypeVar("C", bound=BaseModel)


def read_card(path: Path, kind: type[C]) -> C:
    """Parse one YAML card; BadFile names the file and the first thing that is wrong."""
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
        return kind.model_validate(raw)
    except ValidationError as e:
        first = e.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise BadFile(f"{path} is not a valid card: {where}: {first['msg']}.") from e
    except yaml.YAMLError as e:
        mark = getattr(e, "problem_mark", None)
        line = f" (line {mark.line + 1})" if mark else ""
        raise BadFile(f"{path} is not valid YAML{line}.") from e
    except (OSError, UnicodeDecodeError) as e:
        raise BadFile(f"{path} cannot be read ({e}).") from e


def check_folder(folder: Path) -> None:
    """Refuse a weights folder that is missing, holds pickles or holds no safetensors."""
    if not folder.is_dir():
        raise BadFile(f"The weights folder {folder} does not exist.")
    pickles = [p for p in sorted(folder.rglob("*")) if p.suffix in PICKLES]
    if pickles:
        raise BadFile(
            f"{pickles[0]} is a pickle, which can run code when loaded; convert the weights to safetensors."
        )
    if not any(folder.rglob("*.safetensors")):
        raise BadFile(f"The weights folder {folder} holds no .safetensors file.")


def _files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.suffix in _READ and p.is_file())


def _stamp(folder: Path) -> tuple[tuple[str, int, int], ...]:
    return tuple((str(p), p.stat().st_size, p.stat().st_mtime_ns) for p in _files(folder))


@lru_cache(maxsize=16)
def _folder_hash(folder: Path, stamp: tuple[tuple[str, int, int], ...]) -> str:  # noqa: ARG001
    """`stamp` is in the key only, so that changed files are hashed anew."""
    total = hashlib.sha256()
    for path in _files(folder):
        with path.open("rb") as f:
            total.update(f"{path.relative_to(folder).as_posix()}\0".encode())
            total.update(hashlib.file_digest(f, "sha256").digest())
    return total.hexdigest()[:12]
