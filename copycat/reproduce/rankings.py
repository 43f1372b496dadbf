"""The rankings of words that the negative prompts of Tables 1 and 2 need, made where they are missing."""

from __future__ import annotations

from collections.abc import Callable

from copycat.cards.models import ModelCard
from copycat.errors import UserError
from copycat.generators.text_encoder import text_embedder
from copycat.io.paths import DATA
from copycat.mining.negatives import Corpus, Negatives
from copycat.mining.ranking import Term
from copycat.runtime.device import resolve_device
from copycat.subjects.characters import Registry
from copycat.subjects.keywords import Ranking, Words, listed

Tell = Callable[[str], None]
_BOTH: tuple[Words, ...] = ("cooc", "emb")


def own_corpus(registry: Registry) -> str | None:
    """The captions that are shipped for a registry."""
    path = DATA / registry.name / "corpus.parquet"
    return str(path) if path.is_file() else None


def make_rankings(
    how: Negatives, card: ModelCard, corpus: Corpus | None, *, device: str, tell: Tell
) -> dict[Words, Ranking]:
    """Both rankings; that by captions only where there is a corpus. Raises a UserError where neither captions
    nor a language model's list are there to rank."""
    if corpus is None and how.written is None:
        raise UserError(f"There is nothing to rank for {how.registry.name}: name a corpus of captions.")
    made: dict[Words, Ranking] = {}
    common: list[Term] = []
    if corpus is None:
        tell("No corpus, so no ranking by co-occurrence.")
    else:
        made["cooc"], common = how.by_captions(corpus, tell)
    made["emb"] = _by_encoder(how, card, common, device)
    return made


def make_missing(
    how: Negatives, card: ModelCard, corpus: Corpus | None, *, device: str, tell: Tell
) -> dict[Words, Ranking]:
    """Those rankings that the catalogue lacks for the registry, as far as they can be made here.

    What cannot be made is said in a sentence; rows of tables that need it then say: not run.
    """
    name = how.registry.name
    lacking = [words for words in _BOTH if listed(words, name) is None]
    made: dict[Words, Ranking] = {}
    common: list[Term] = []
    if "cooc" in lacking and corpus is None:
        tell(
            f"{name} has no ranking by co-occurrence, and there are no captions: name some (CORPUS=… with "
            "make, or `copycat mine negatives CORPUS`), or take the paper's own words with "
            "`copycat import-upstream`."
        )
    if corpus is not None and ("cooc" in lacking or (how.written is None and lacking)):
        ranking, common = how.by_captions(corpus, tell)
        if "cooc" in lacking:
            made["cooc"] = ranking
    if "emb" in lacking:
        try:
            if how.written is None and not common:
                raise UserError("there are neither candidates nor captions.")
            made["emb"] = _by_encoder(how, card, common, device)
        except UserError as e:
            tell(f"{name} has no ranking by the text encoder of {card.name}, and none can be made: {e}")
    return made


def _by_encoder(how: Negatives, card: ModelCard, common: list[Term], device: str) -> Ranking:
    embed = text_embedder(card, resolve_device(device, f"The text encoder of {card.name}"))
    return how.by_encoder(embed, card.identity(), common)
