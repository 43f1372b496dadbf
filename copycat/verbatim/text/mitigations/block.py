"""No n tokens in a row that stand in a protected work: MemFree decoding, Ippolito et al. 2023
(arXiv 2210.17546)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from pydantic import Field

from copycat.mitigations.base import Options
from copycat.verbatim.text.mitigations.base import Encode, Protected, TextMitigation, TokenBlock
from copycat.verbatim.text.mitigations.bloom import BloomFilter, Hashes, mixed

_PROBES = 100_000
"""Random runs of tokens that the rate of false positives is measured on."""


class BlockOptions(Options):
    n: int = Field(default=10, ge=2, le=200)
    """Tokens in a row that are not to be written."""
    rate: float = Field(default=0.0001, gt=0, lt=0.5)
    """Of false positives of the Bloom filter that holds the runs of the protected works."""


class Block(TextMitigation[BlockOptions]):
    """Forbids the token that would complete a run of n tokens of a protected work; the prompt's own tokens
    count. Ends no text: another token is written instead."""

    name = "block"
    options = BlockOptions
    decodes = True

    def block(self, protected: Protected, encode: Encode, vocabulary: int) -> TokenBlock:
        return NgramBlock(
            [encode(d.text) for d in protected.documents], vocabulary, self.config.n, self.config.rate
        )


class NgramBlock:
    """The runs of `n` tokens of some texts, in a Bloom filter."""

    def __init__(self, texts: Sequence[Sequence[int]], vocabulary: int, n: int, rate: float) -> None:
        self._n, self._every = n, np.arange(vocabulary, dtype=np.uint64)
        runs = [_runs(np.asarray(t, np.uint64), n) for t in texts]
        members = np.unique(np.concatenate([np.empty(0, np.uint64), *runs]))
        self._filter = BloomFilter(len(members), rate)
        self._filter.add(members)
        # What it is asked later must not need the members, which a filter is there to do without.
        self._facts = self._measured(members)

    def forbidden(self, before: Sequence[int]) -> npt.NDArray[np.bool_]:
        if len(before) < self._n - 1:
            return np.zeros(len(self._every), bool)
        last = np.asarray(before[len(before) - self._n + 1 :], np.uint64)
        return self._filter.holds(_with_next(_hash(last[None, :]), self._every))

    def facts(self) -> dict[str, float]:
        """The runs that it holds, its bytes, and its rate of false positives: as it follows from how full it
        is, and as it is found on random runs that it does not hold."""
        return dict(self._facts)

    def _measured(self, members: Hashes) -> dict[str, float]:
        tried = np.random.default_rng(0).integers(0, len(self._every), (_PROBES, self._n), dtype=np.uint64)
        hashes = _runs_of_rows(tried)
        strangers = hashes[~np.isin(hashes, members)]
        wrong = float(self._filter.holds(strangers).mean()) if len(strangers) else 0.0
        return {
            "runs": float(len(members)),
            "bytes": float(self._filter.bytes),
            "false_positive_rate": self._filter.rate,
            "false_positive_rate_measured": wrong,
        }


def _hash(rows: Hashes) -> Hashes:
    """Of each row of tokens."""
    found = np.full(len(rows), rows.shape[1], np.uint64)
    for column in rows.T:
        found = mixed(found ^ column)
    return found


def _with_next(before: Hashes, tokens: Hashes) -> Hashes:
    """Of each row with one more token."""
    return mixed(before ^ tokens)


def _runs(tokens: Hashes, n: int) -> Hashes:
    if len(tokens) < n:
        return np.empty(0, np.uint64)
    return _runs_of_rows(np.lib.stride_tricks.sliding_window_view(tokens, n))


def _runs_of_rows(rows: Hashes) -> Hashes:
    return _with_next(_hash(rows[:, :-1]), rows[:, -1])
