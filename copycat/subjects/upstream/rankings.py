"""The checkout's word lists as rankings for negative prompts."""

from __future__ import annotations

from collections.abc import Mapping

from copycat.subjects.keywords import Ranking, Words
from copycat.subjects.prompts import Prompt
from copycat.subjects.upstream.checkout import Imported

LISTS: Mapping[Words, str] = {
    "lm": "upstream-lm{}",
    "emb": "upstream-emb{}",
    "cooc": "upstream-laion2b-{}",
}
"""The sets whose words are the paper's LM, EmbSim and LAION negatives, by size."""
_SIZES = (5, 10, 20, 3)
"""The paper's negative prompts take five words, so those lists come first; longer ones go on from them."""


def rankings(imported: Imported) -> dict[Words, Ranking]:
    """Each kind of list that the checkout has, as one ranking.

    Lists of different lengths are files of their own there, and a shorter one is not always the beginning of
    a longer one: the first five words are exactly the file with five, where that has as many.
    """
    found: dict[Words, Ranking] = {}
    for words, name in LISTS.items():
        sets = [imported.sets[name.format(n)] for n in _SIZES if name.format(n) in imported.sets]
        if sets:
            sizes = ", ".join(str(n) for n in _SIZES if name.format(n) in imported.sets)
            source = f"princeton-nlp/CopyCat, the lists of {sizes} words in turn; `copycat import-upstream`"
            found[words] = Ranking(source=source, keywords=_merged(sets))
    return found


def _merged(sets: list[list[Prompt]]) -> dict[str, tuple[str, ...]]:
    """The words of all sets by slug, those of the first set first, each once."""
    merged: dict[str, dict[str, str]] = {}
    for prompts in sets:
        for p in prompts:
            kept = merged.setdefault(p.character, {})
            for word in p.text.split(", "):
                kept.setdefault(word.casefold(), word)
    return {slug: tuple(words.values()) for slug, words in merged.items()}
