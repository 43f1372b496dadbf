"""Language-model cards."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from copycat.cards.catalog import Catalog
from copycat.cards.folders import named_precision
from copycat.cards.weights import Card
from copycat.io.paths import DATA, expand
from copycat.io.yaml_file import read_yaml


class LLMCard(Card):
    """One language model; see docs/mitigations.md. `batch_size` is how many calls run at a time."""

    kind: str = "transformers-lm"
    """Name in the catalogue of language-model kinds."""
    max_tokens: int = Field(default=160, gt=0)
    """Longest reply; a prompt of 60 words is about 80 tokens."""
    temperature: float | None = 0
    """Sent to hosted models; None for one that takes none. Local ones always decode greedily."""


def _read(path: Path) -> LLMCard:
    return read_yaml(path, LLMCard, "valid card")


CATALOG: Catalog[LLMCard] = Catalog("llms", singular="language model", folder=DATA / "llms", parse=_read)


def load_llm_card(name_or_folder: str) -> LLMCard:
    """A card by name, or one made on the fly for a transformers folder, in the precision that it names."""
    folder = expand(name_or_folder).resolve()
    if (folder / "config.json").is_file():
        return LLMCard(name=folder.name, source=str(folder), dtype=named_precision(folder))
    return CATALOG.get(name_or_folder)
