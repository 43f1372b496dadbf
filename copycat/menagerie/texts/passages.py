"""Passages of a corpus, and a training text in which some of them stand more often than others."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from copycat.verbatim.text.documents import Document

_ENDS = (".", "!", "?", "''")


def passages_of(documents: Sequence[Document], words: int) -> list[Document]:
    """All passages of so many `words` that follow one another in `documents`, each from the beginning of a
    sentence."""
    return [p for document in documents for p in _cut(document, words)]


def _cut(document: Document, words: int) -> Iterator[Document]:
    tokens, at, number = document.tokens, 0, 0
    while at + words <= len(tokens):
        number += 1
        yield document.model_copy(
            update={"title": f"{document.title}, passage {number}", "text": tokens.cut(at, at + words)}
        )
        at += words
        while at < len(tokens) and not tokens.words[at - 1].endswith(_ENDS):
            at += 1


def group_name(copies: int) -> str:
    """What tables call the passages that stand so often in the training text."""
    return "never seen" if copies == 0 else f"{copies} {'copy' if copies == 1 else 'copies'}"


def grouped(passages: Sequence[Document], copies: Sequence[int], each: int, seed: int) -> list[Document]:
    """`each` passages for every number of `copies`, drawn without replacement, with that as their group.

    Raises ValueError where there are fewer than that.
    """
    wanted = each * len(copies)
    if len(passages) < wanted:
        raise ValueError(f"{wanted} passages are wanted, and the corpus has {len(passages)}")
    drawn = random.Random(seed).sample(list(passages), wanted)
    return [p.model_copy(update={"group": group_name(copies[i // each])}) for i, p in enumerate(drawn)]


def others_of(
    passages: Sequence[Document], chosen: Sequence[Document], many: int, seed: int
) -> list[Document]:
    """So many of the `passages` that are none of the `chosen`, and so stand in the training text once."""
    mine = {p.title for p in chosen}
    rest = [p for p in passages if p.title not in mine]
    return random.Random(seed + 2).sample(rest, min(many, len(rest)))


def training_texts(
    passages: Sequence[Document], chosen: Sequence[Document], copies: Sequence[int], seed: int
) -> list[str]:
    """What the model is trained on, in random order: every one of the `chosen` as often as its group says,
    and all other `passages` once."""
    often = {group_name(n): n for n in copies}
    mine = {p.title for p in chosen}
    texts = [p.text for p in chosen for _ in range(often[p.group])]
    texts += [p.text for p in passages if p.title not in mine]
    random.Random(seed + 1).shuffle(texts)
    return texts
