"""Language-model cards."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from copycat.cards import Card, read_card
from copycat.catalog import Catalog
from copycat.paths import DATA


class LLMCard(Card):
    """One language model; see docs/mitigations.md. `batch_size` is how many calls run at a time."""

    kind: str = "transformers-lm"
    """Name in the catalogue of language-model kinds."""
    max_tokens: int = Field(default=160, gt=0)
    """Longest reply; a prompt of 60 words is about 80 tokens."""
    temperature: float | None = 0
    """Sent to hosted models; None for one that takes none. Local ones always decode greedily."""
    min_gpu_gb: float | None = None
    """GPU memory in GB; None for a model that a CPU runs well."""
    licence: str = "unknown"


def _read(path: Path) -> LLMCard:
    return read_card(path, LLMCard)


CATALOG: Catalog[LLMCard] = Catalog("llms", singular="language model", folder=DATA / "llms", parse=_read)


def load_llm_card(name_or_folder: str) -> LLMCard:
    """A card by name, or one made on the fly for a transformers folder."""
    folder = Path(name_or_folder)
    if (folder / "config.json").is_file():
        return LLMCard(name=folder.resolve().name, source=str(folder.resolve()))
    return CATALOG.get(name_or_folder)
