"""Whether prompts fit what a model's text encoder reads; the rest of a longer one is cut off."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import transformers

from copycat import lengths
from copycat.errors import UserError
from copycat.hub import loading
from copycat.loading import quiet_loading
from copycat.models import ModelCard
from copycat.prompts import Prompt


def load_tokenizer(card: ModelCard) -> Any:
    """The tokenizer of the pipeline's first text encoder; raises UserError where there is none to load."""
    if card.api:
        raise UserError(f"{card.title} is hosted, and its text encoder is not open; name another model.")
    source = str(card.folder) if card.folder else card.source
    revision = None if card.folder else card.commit()
    with loading(card.folder, source, card.title, "a pipeline with a tokenizer"), quiet_loading():
        return transformers.AutoTokenizer.from_pretrained(source, subfolder="tokenizer", revision=revision)


def overlong(prompts: Iterable[Prompt], card: ModelCard) -> list[str]:
    """One sentence a set with prompts of more tokens than the encoder takes, begin and end included."""
    texts: dict[str, list[str]] = defaultdict(list)
    for p in prompts:
        texts[f"prompts of {p.set}"].append(p.text)
    return lengths.overlong(texts, [load_tokenizer(card)], card.name)
