"""The shards of a corpus: files here or anywhere fsspec reaches, or the parts of a dataset on the hub."""

from __future__ import annotations

import re
import tarfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import pyarrow as pa

from copycat.counting.columns import pick_column
from copycat.counting.readers import ENDINGS, format_of, in_batches, read
from copycat.errors import BadFile, CopycatError, MissingRequirement, first_line, require

_HUB = re.compile(r"(?P<name>[\w.-]+/[\w.-]+)(?:@(?P<revision>[\w.-]+))?")
BROKEN = (OSError, EOFError, ValueError, tarfile.TarError)
"""What reading a broken file raises: pyarrow's, JSON's and Unicode's errors are all ValueError, those of
compression OSError or EOFError."""
_ROWS = 1_024
"""Of a dataset on the hub that are fetched together."""


@dataclass(frozen=True)
class Shard(ABC):
    """One part of a corpus, which is counted as a whole or not at all."""

    name: str
    """For messages and files."""
    stamp: str
    """Changes when its content does: its place, size and time."""
    source: str
    """What was named to find it: a file, folder, pattern, address or dataset; the same from any folder."""

    @abstractmethod
    def batches(self, column: str | None) -> Iterator[pa.Array]:
        """Its captions, as :func:`copycat.counting.readers.read` gives them, and with its errors."""


@dataclass(frozen=True)
class FileShard(Shard):
    """A file here, or behind an address that fsspec knows."""

    place: str

    def batches(self, column: str | None) -> Iterator[pa.Array]:
        try:
            with ExitStack() as stack:
                yield from read(self._opened(stack), self.place, column)
        except (CopycatError, *BROKEN):
            raise
        except Exception as e:
            if "://" not in self.place:
                raise
            # Each store has errors of its own.
            raise OSError(f"{type(e).__name__}: {first_line(e)}") from e

    def _opened(self, stack: ExitStack) -> BinaryIO:
        if "://" not in self.place:
            return cast(BinaryIO, stack.enter_context(pa.OSFile(self.place, "rb")))
        import fsspec

        return cast(BinaryIO, stack.enter_context(fsspec.open(self.place, "rb")))


@dataclass(frozen=True)
class HubShard(Shard):
    """A part of a dataset on the hub, which is read as it comes, without keeping it."""

    number: int

    def batches(self, column: str | None) -> Iterator[pa.Array]:
        try:
            rows = _dataset(self.source)
            part = rows.shard(num_shards=rows.num_shards, index=self.number)
            # A dataset of CSV or JSON files does not know its columns before a row is read.
            columns = rows.column_names or next(iter(part), ())
            if not columns:
                return
            name = pick_column(list(columns), column, self.source)
            read = part.select_columns([name]).iter(batch_size=_ROWS)
            yield from in_batches(str(t).encode("utf-8", "replace") for some in read for t in some[name] if t)
        except (CopycatError, *BROKEN):
            raise
        except Exception as e:
            # Those who read for the hub have errors of their own.
            raise OSError(f"{type(e).__name__}: {first_line(e)}") from e


def find_shards(sources: Sequence[str]) -> list[Shard]:
    """The shards of `sources`, each once, sorted by name within each source.

    A source is a file, a folder (all readable files in it, at any depth), a pattern with `*`, any of them
    behind an address such as `s3://…` or `hf://datasets/…`, or a dataset on the hub, `owner/name` or
    `owner/name@revision`.
    Raises BadFile where nothing is there, and MissingRequirement where it cannot be reached.
    """
    found = [shard for source in sources for shard in _of_source(source)]
    return list({shard.stamp: shard for shard in found}.values())


def _of_source(source: str) -> list[Shard]:
    if "://" in source:
        return _remote(source)
    if is_on_hub(source):
        return _on_hub(source)
    if not Path(source).exists() and not _globs(source):
        raise BadFile(f"The corpus {source} does not exist.")
    return _local(source)


def is_on_hub(source: str) -> bool:
    """Whether `source` is read as a dataset on the hub: it is called like one, and nothing here is."""
    return _HUB.fullmatch(source) is not None and not Path(source).exists()


def _globs(source: str) -> bool:
    return any(c in source for c in "*?[")


def _local(source: str) -> list[Shard]:
    path = Path(source)
    if path.is_file():
        if not format_of(path.name):
            raise BadFile(f"{path} is none of {', '.join(ENDINGS)}.")
        files = [path]
    elif path.is_dir():
        files = sorted(p for p in path.rglob("*") if format_of(p.name) and p.is_file())
    else:
        root = Path(path.anchor or ".")
        files = sorted(
            p for p in root.glob(str(path.relative_to(path.anchor))) if format_of(p.name) and p.is_file()
        )
    if not files:
        raise BadFile(f"{source} holds no {', '.join(ENDINGS)} file.")
    return [_of_file(f, path) for f in files]


def _of_file(file: Path, source: Path) -> Shard:
    stat = file.stat()
    name = file.relative_to(source).as_posix() if source.is_dir() else file.name
    return FileShard(
        name, f"{file.resolve()}:{stat.st_size}:{stat.st_mtime_ns}", str(source.resolve()), str(file)
    )


def _remote(source: str) -> list[Shard]:
    import fsspec

    try:
        system, path = fsspec.url_to_fs(source)
        if _globs(path):
            files = sorted(system.glob(path))
        elif system.isdir(path):
            files = sorted(system.find(path))
        else:
            files = [path] if system.exists(path) else []
        files = [f for f in files if format_of(f)]
        infos = [(system.unstrip_protocol(f), system.info(f)) for f in files]
    except ImportError as e:
        raise MissingRequirement(f"{source} cannot be reached: {first_line(e)}.") from e
    except Exception as e:  # each store has errors of its own
        raise MissingRequirement(f"{source} cannot be reached ({first_line(e)}).") from e
    if not infos:
        raise BadFile(f"{source} holds no {', '.join(ENDINGS)} file.")
    return [FileShard(url.rsplit("/", 1)[-1], _remote_stamp(url, info), source, url) for url, info in infos]


def _remote_stamp(url: str, info: dict[str, Any]) -> str:
    """Stores call the time or state of a file by many names."""
    told = (info.get(k) for k in ("size", "ETag", "etag", "mtime", "LastModified", "last_commit", "md5Hash"))
    return ":".join([url, *(str(t) for t in told if t is not None)])


def _dataset(source: str) -> Any:
    datasets = require("datasets", "datasets>=4.0", f"{source} is no file here; reading it from the hub")
    try:
        told = cast(re.Match[str], _HUB.fullmatch(source))
        return datasets.load_dataset(told["name"], split="train", streaming=True, revision=told["revision"])
    except Exception as e:  # as above
        raise MissingRequirement(
            f"{source} is no file here and cannot be read from the hub ({first_line(e)})."
        ) from e


def _on_hub(source: str) -> list[Shard]:
    rows = _dataset(source)
    many = rows.num_shards
    return [HubShard(f"{source}[{i}]", f"{source}:{i}/{many}", source, i) for i in range(many)]
