"""Caption files of every kind, in batches as they come from the disk.

A reader takes an open binary file, the column that was asked for and the file's name for messages, and yields
arrays of captions; nulls and empty ones may be among them. It raises ValueError, OSError or EOFError for a
file that is not what its name says or is cut off, and the errors of :func:`pick_column`.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import PurePosixPath
from typing import Any, BinaryIO

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from copycat.counting.columns import pick_column

BATCH = 65_536
"""Captions that are read at a time: some four megabytes of text."""
_BLOCK = 4 * 2**20
_MOST = 16 * 2**20
"""Bytes of captions that are read at a time, where they are long."""
_LONGEST = 64 * 2**20
"""Bytes of one line; more is no caption."""
Reader = Callable[[BinaryIO, str | None, str], Iterator[pa.Array]]
COMPRESSED = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2"}
"""Endings of compressed files, and what pyarrow calls what they are compressed with."""


def format_of(name: str) -> str:
    """The ending that says how `name` is read, such as ".jsonl"; empty where there is no reader for it."""
    path = PurePosixPath(name.lower())
    inner = PurePosixPath(path.stem) if path.suffix in COMPRESSED else path
    known = inner.suffix in READERS and not (inner is not path and inner.suffix == ".parquet")
    return inner.suffix if known else ""


def read(file: BinaryIO, name: str, column: str | None) -> Iterator[pa.Array]:
    """The captions of `file`, called `name`, whose ending says what it is (:func:`format_of`), as
    large_binary without nulls and empty ones.

    Raises ValueError, OSError or EOFError for a file that is not what it should be, BadFile or UnknownName
    for one without the column.
    """
    compression = COMPRESSED.get(PurePosixPath(name.lower()).suffix)
    opened = pa.CompressedInputStream(_native(file), compression) if compression else file
    for batch in READERS[format_of(name)](opened, column, name):
        captions = _as_bytes(batch)
        full = pc.greater(pc.binary_length(captions), 0)
        whole = not captions.null_count and pc.all(full).as_py()
        yield captions if whole else captions.filter(full)


def in_batches(captions: Iterable[bytes]) -> Iterator[pa.Array]:
    """`captions` as arrays of as many as are read at a time."""
    kept: list[bytes] = []
    size = 0
    for caption in captions:
        kept.append(caption)
        size += len(caption)
        if len(kept) == BATCH or size > _MOST:
            yield pa.array(kept, pa.large_binary())
            kept, size = [], 0
    yield pa.array(kept, pa.large_binary())


def _native(file: BinaryIO) -> pa.NativeFile:
    return file if isinstance(file, pa.NativeFile) else pa.PythonFile(file, "r")


def _as_bytes(captions: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(captions.type):
        captions = captions.dictionary_decode()
    kind = captions.type
    if pa.types.is_nested(kind):
        raise ValueError(f"its captions are {kind}, not text")
    binary = pa.types.is_binary(kind) or pa.types.is_large_binary(kind)
    if not binary and not pa.types.is_large_string(kind):
        captions = captions.cast(pa.large_string())
    return captions if pa.types.is_large_binary(kind) else captions.cast(pa.large_binary())


def _parquet(file: BinaryIO, column: str | None, name: str) -> Iterator[pa.Array]:
    with pq.ParquetFile(file, pre_buffer=False) as table:
        wanted = pick_column(table.schema_arrow.names, column, name)
        column_bytes = sum(_sizes(table.metadata, table.schema_arrow.names.index(wanted)))
        each = column_bytes // max(table.metadata.num_rows, 1) + 1
        size = max(1, min(BATCH, _MOST // each))
        for batch in table.iter_batches(batch_size=size, columns=[wanted], use_threads=False):
            yield batch.column(0)


def _sizes(metadata: pq.FileMetaData, column: int) -> Iterator[int]:
    """Bytes of the column in each group of rows; a nested column before it would only make them inexact."""
    for group in range(metadata.num_row_groups):
        yield metadata.row_group(group).column(column).total_uncompressed_size


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    """`file` in pieces of whole lines."""
    rest = b""
    while block := file.read(_BLOCK):
        whole, newline, end = block.rpartition(b"\n")
        if newline:
            yield rest + whole
            rest = end
        else:
            rest += end
        if len(rest) > _LONGEST:
            raise ValueError(f"a line is longer than {_LONGEST // 2**20} MB")
    if rest:
        yield rest


def _jsonl(file: BinaryIO, column: str | None, name: str) -> Iterator[pa.Array]:
    decoder: msgspec.json.Decoder[Any] | None = None
    for block in _blocks(file):
        try:
            if decoder is None:
                block = block.removeprefix(b"\xef\xbb\xbf")
                first = msgspec.json.decode(_first_line(block))
                if not isinstance(first, dict):
                    raise ValueError("a line is no JSON object")
                decoder = _decoder(pick_column(list(first), column, name))
            rows = decoder.decode_lines(_BLANK.sub(b"\n", block))
        except RecursionError as e:
            raise ValueError("a line is nested too deeply") from e
        except msgspec.MsgspecError as e:
            raise ValueError(f"a line is no JSON object ({e})") from e
        yield _texts(row.caption for row in rows)


_BLANK = re.compile(rb"\n\s*\n")


def _first_line(block: bytes) -> bytes:
    return block.lstrip().split(b"\n", 1)[0]


def _decoder(column: str) -> msgspec.json.Decoder[Any]:
    """Reads lines of JSON for what they hold under `column`, and no more of them."""
    row = msgspec.defstruct("Row", [("caption", Any, None)], rename={"caption": column})
    return msgspec.json.Decoder(row)


def _texts(values: Iterator[Any]) -> pa.Array:
    """Captions of any type as text; what is none becomes empty, and half a surrogate pair a question mark."""
    texts = [v if isinstance(v, str) else str(v) if v else "" for v in values]
    try:
        return pa.array(texts, pa.large_string())
    except UnicodeEncodeError:
        return pa.array([t.encode("utf-8", "replace") for t in texts], pa.large_binary())


def _separated(
    file: BinaryIO, column: str | None, name: str, *, delimiter: str, quoted: bool
) -> Iterator[pa.Array]:
    reading = pa_csv.ReadOptions(block_size=_BLOCK, use_threads=False)
    parsing = pa_csv.ParseOptions(
        delimiter=delimiter, quote_char='"' if quoted else False, newlines_in_values=quoted
    )
    block = file.read(_BLOCK)
    if not block:
        raise ValueError("it is empty")
    header = pa_csv.read_csv(pa.BufferReader(_header(block)), reading, parsing).column_names
    wanted = pick_column(header, column, name)
    converting = pa_csv.ConvertOptions(
        include_columns=[wanted], column_types={wanted: pa.large_binary()}, strings_can_be_null=False
    )
    # The first block has been read; what follows it is put behind it again.
    whole = pa.PythonFile(_Chained(block, file), "r")
    with pa_csv.open_csv(whole, reading, parsing, converting) as table:
        for batch in table:
            yield batch.column(0)


def _header(block: bytes) -> bytes:
    return block.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0] + b"\n"


class _Chained:
    """A file that begins with bytes that have been read from it already."""

    closed = False

    def __init__(self, first: bytes, rest: BinaryIO) -> None:
        self._first, self._rest = first, rest

    def read(self, size: int = -1) -> bytes:
        if not self._first:
            return self._rest.read(size)
        found, self._first = (self._first, b"") if size < 0 else (self._first[:size], self._first[size:])
        return found + (self._rest.read() if size < 0 else b"")

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self.closed = True


def _lines(file: BinaryIO, column: str | None, name: str) -> Iterator[pa.Array]:  # noqa: ARG001
    for block in _blocks(file):
        yield pa.array([line.strip() for line in block.split(b"\n")], pa.large_binary())


def _tar(file: BinaryIO, column: str | None, name: str) -> Iterator[pa.Array]:
    yield from in_batches(_samples(file, column, name))


def _samples(file: BinaryIO, column: str | None, name: str) -> Iterator[bytes]:
    """Of a WebDataset: the .txt of each sample, or with `column` that field of its .json."""
    seekable = file.seekable()
    found = False
    with tarfile.open(fileobj=file, mode="r:" if seekable else "r|") as archive:
        for member in archive:
            suffix = PurePosixPath(member.name).suffix.lower()
            content = archive.extractfile(member) if suffix == (".json" if column else ".txt") else None
            archive.members = []  # type: ignore[attr-defined]  # else it remembers every one
            if content is None:
                continue
            found = True
            if member.size > _LONGEST:
                raise ValueError(f"{member.name} is longer than {_LONGEST // 2**20} MB")
            yield _field(content.read(), column, f"{member.name} in {name}")
        if seekable:
            # An archive ends with empty blocks; one that is cut off between two members ends without a word.
            file.seek(archive.offset)
            if file.read(512) != bytes(512):
                raise ValueError("unexpected end of data")
        while file.read(_BLOCK):
            # What is compressed is checked at its very end.
            pass
    if not found:
        wanted = ".json" if column else ".txt"
        raise ValueError(f"it holds no {wanted} file; captions are read from .txt, with --column from .json")


def _field(content: bytes, column: str | None, where: str) -> bytes:
    if column is None:
        return content
    try:
        row = msgspec.json.decode(content)
    except RecursionError as e:
        raise ValueError(f"{where} is nested too deeply") from e
    if not isinstance(row, dict):
        raise ValueError(f"{where} is no JSON object")
    value = row[pick_column(list(row), column, where)]
    return str(value).encode("utf-8", "replace") if value else b""


READERS: Mapping[str, Reader] = {
    ".parquet": _parquet,
    ".jsonl": _jsonl,
    ".csv": partial(_separated, delimiter=",", quoted=True),
    # Files of captions with tabs, such as CC12M's, are not quoted: a quotation mark is one of a caption.
    ".tsv": partial(_separated, delimiter="\t", quoted=False),
    ".txt": _lines,
    ".tar": _tar,
}
ENDINGS = (*READERS, *(f"{inner}{outer}" for inner in READERS for outer in COMPRESSED if inner != ".parquet"))
