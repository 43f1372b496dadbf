"""Datasets on the hub are read as they come, in memory that does not grow with their texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from copycat.counting import readers, shards


class Streamed:
    """What the package datasets gives of a dataset that is streamed, in two parts."""

    column_names = ("url", "text")
    num_shards = 2

    def __init__(self, texts: Sequence[str | None]) -> None:
        self._texts = texts

    def shard(self, num_shards: int, index: int) -> Streamed:
        return Streamed(self._texts[index::num_shards])

    def select_columns(self, names: Sequence[str]) -> Streamed:
        assert list(names) == ["text"]
        return self

    def iter(self, batch_size: int) -> Iterator[dict[str, Sequence[str | None]]]:
        for i in range(0, len(self._texts), batch_size):
            yield {"text": self._texts[i : i + batch_size]}


def test_a_dataset_on_the_hub_is_read_in_batches_that_are_small_where_its_texts_are_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    texts = [f"{i} " + "long " * 200 if i % 5 else None for i in range(200)]
    monkeypatch.setattr(shards, "_dataset", lambda _: Streamed(texts))
    monkeypatch.setattr(shards, "_ROWS", 8)
    for most, largest in ((readers._MOST, 80), (5_000, 5)):
        monkeypatch.setattr(readers, "_MOST", most)
        found = shards.find_shards(["owner/name"])
        batches = [[batch.to_pylist() for batch in shard.batches(None)] for shard in found]
        read = [[c.decode() for batch in part for c in batch] for part in batches]
        assert read == [[t for t in texts[i::2] if t] for i in range(2)]
        assert max(len(batch) for part in batches for batch in part) == largest
