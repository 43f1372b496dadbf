"""Caption corpora of every kind, one caption after the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from copycat.counting.shards import BROKEN, find_shards
from copycat.errors import BadFile, first_line


@dataclass
class Reading:
    """What was read of a corpus; filled while its captions are being read."""

    files: int = 0
    captions: int = 0
    skipped: list[str] = field(default_factory=list)
    """Files that could not be read to their end, with the reason."""


def read_captions(
    source: str, *, column: str | None = None, limit: int | None = None, reading: Reading | None = None
) -> Iterator[str]:
    """Captions of `source`: a file, a folder (all readable files in it), an address or a hub dataset
    `owner/name`; see :func:`copycat.counting.shards.find_shards`.

    A corrupt file among several is skipped from where it breaks, and counted in `reading`. Raises BadFile
    when `source` is missing, when a file has no such column, or when not one caption could be read.
    """
    reading = reading if reading is not None else Reading()
    for text in _texts(source, column, reading):
        if limit is not None and reading.captions >= limit:
            return
        reading.captions += 1
        yield text
    if not reading.captions:
        why = f" ({'; '.join(reading.skipped)})" if reading.skipped else ""
        raise BadFile(f"{source} holds no captions{why}.")


def _texts(source: str, column: str | None, reading: Reading) -> Iterator[str]:
    for shard in find_shards([source]):
        try:
            for batch in shard.batches(column):
                yield from (caption.decode("utf-8", "replace") for caption in batch.to_pylist())
            reading.files += 1
        except BROKEN as e:
            reading.skipped.append(f"{shard.name}: {first_line(e)}")
