"""What a published pipeline says that it consists of; no weights are loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from copycat.cards.models import ModelCard
from copycat.io.documents import parse_json


def model_index(card: ModelCard, ask: bool = True) -> Path:
    """Where the pipeline says what it consists of; fetched from the hub unless it may not `ask`."""
    if card.folder:
        return card.folder / "model_index.json"
    from huggingface_hub import hf_hub_download

    return Path(
        hf_hub_download(card.source, "model_index.json", revision=card.commit(), local_files_only=not ask)
    )


def parts(card: ModelCard, ask: bool = True) -> frozenset[str]:
    """The names of the components of the pipeline of `card`, without those that are left out.

    Raises UserError where they cannot be had; nothing is fetched where it may not `ask`.
    """
    with card.loading(card.title, "a diffusers pipeline"):
        index = parse_json(model_index(card, ask).read_text(encoding="utf-8"))
    # A component is written as its library and its class; one that is missing as two nulls.
    there = {name for name, value in index.items() if isinstance(value, list) and value[0]}
    return frozenset(there - set(card.null_components))


def scheduler(card: ModelCard, ask: bool = True) -> Any:
    """The scheduler of the pipeline of `card`, as it would be loaded.

    Raises UserError where it cannot be had; nothing is fetched where it may not `ask`.
    """
    import diffusers

    with card.loading(card.title, "a diffusers pipeline with a scheduler"):
        index = parse_json(model_index(card, ask).read_text(encoding="utf-8"))
        kind = getattr(diffusers, card.scheduler or index["scheduler"][1])
        config = kind.load_config(
            card.location, subfolder="scheduler", revision=card.commit(), local_files_only=not ask
        )
        return kind.from_config(config, **card.scheduler_options)
