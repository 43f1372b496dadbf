"""Words to be ranked anew: a keyword list or another miner's ranking."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from copycat.errors import BadFile
from copycat.mining.lists import load_list
from copycat.mining.ranking import Term


def load_candidates(path: Path) -> dict[str, list[str]]:
    """Words by slug, from a YAML keyword list or a JSONL ranking. Raises BadFile."""
    if path.suffix != ".jsonl":
        return {slug: list(words) for slug, words in load_list(path).keywords.items()}
    words: dict[str, list[str]] = {}
    number = 0
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            number += 1
            term = Term.model_validate_json(line)
            words.setdefault(term.character, []).append(term.term)
    except ValidationError as e:
        raise BadFile(f"{path}, line {number}: not a ranked word ({e.errors()[0]['msg']}).") from e
    except (OSError, UnicodeDecodeError) as e:
        raise BadFile(f"The ranking {path} cannot be read ({e}).") from e
    return words
