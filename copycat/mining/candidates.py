"""Words to be ranked anew: a keyword list or another miner's ranking."""

from __future__ import annotations

from pathlib import Path

from copycat.keywords import load_list
from copycat.mining.ranking import read_ranking


def load_candidates(path: Path) -> dict[str, list[str]]:
    """Words by slug, from a YAML keyword list or a JSONL ranking. Raises BadFile."""
    if path.suffix != ".jsonl":
        return {slug: list(words) for slug, words in load_list(path).keywords.items()}
    words: dict[str, list[str]] = {}
    for term in read_ranking(path):
        words.setdefault(term.character, []).append(term.term)
    return words
