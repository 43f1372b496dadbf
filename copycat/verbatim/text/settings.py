"""What is measured: the settings of `copycat verbatim text`, checked before anything is loaded."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from copycat.cards.llms import LLMCard, load_llm_card
from copycat.errors import UnknownName, UserError
from copycat.verbatim.text.corpora import load_corpus
from copycat.verbatim.text.documents import Corpus, Document, Skipped
from copycat.verbatim.text.mitigations import Composition
from copycat.verbatim.text.mitigations.composition import NONE, parse_all
from copycat.verbatim.text.prompts import CATALOG
from copycat.verbatim.text.writers import card_of

LENGTHS = (5, 10, 25, 50, 125, 250)
"""Words of a prompt: those of Henderson et al. 2023."""
LINES = (1, 5, 10)
"""Lines of code: theirs too."""
KNOWN = {"menagerie-lm": ("menagerie-lm",)}
"""Corpora of models whose training text is known."""


@dataclass(frozen=True)
class Settings:
    """One study. Everything that it names is looked up when it is made."""

    model: str
    corpora: tuple[str, ...]
    """Names, files or folders: the works that are not to be given back."""
    benign: tuple[str, ...] = ()
    """Other text, on which it is measured what mitigations cost."""
    prompts: tuple[str, ...] = ("prefix",)
    lengths: tuple[int, ...] = LENGTHS
    lines: tuple[int, ...] = LINES
    openings: int = 1
    """Of each document."""
    samples: int = 1
    """Of each prompt."""
    temperature: float = 0.2
    max_tokens: int = 512
    mitigations: tuple[str, ...] = (NONE,)
    limit: int | None = None
    """Documents of each corpus, from the first on; all of them for None."""
    translator: str = ""
    seed: int = 0
    batch_size: int | None = None
    """The card's for None."""
    composed: dict[str, Composition] = field(init=False, repr=False, compare=False)
    card: LLMCard = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for kind in self.prompts:
            if kind not in CATALOG.names():
                raise UnknownName("kind of prompt", kind, CATALOG.names())
            if CATALOG.get(kind).translates and not self.translator:
                raise UserError(
                    f"Prompts of the kind {kind} are translated by a language model; name one with "
                    "--translator (copycat ls llms)."
                )
        if self.translator:
            load_llm_card(self.translator)
        if not self.corpora:
            raise UserError("Name a corpus with --corpus: austen, copycat-code, a file or a folder.")
        if not self.temperature and self.samples > 1:
            raise UserError(
                "At temperature 0 all samples of a prompt are the same; leave --samples out, or raise "
                "--temperature."
            )
        object.__setattr__(self, "composed", parse_all(self.mitigations))
        object.__setattr__(self, "card", self._card())
        if self.card.api is not None:
            decoding = [spec for spec, c in self.composed.items() if c.decodes]
            if decoding:
                raise UserError(
                    f"{decoding[0]} acts while a model decodes, which {self.card.name} does elsewhere; guard "
                    "it with output-filter instead."
                )

    def _card(self) -> LLMCard:
        card = card_of(self.model)
        warm = card.temperature is not None
        return card.model_copy(
            update={
                "max_tokens": self.max_tokens,
                "temperature": self.temperature if warm else None,
                **({"batch_size": self.batch_size} if self.batch_size else {}),
            }
        )

    @cached_property
    def protected(self) -> Corpus:
        """All documents that are not to be given back."""
        return _together(self.corpora, self.limit)

    @cached_property
    def others(self) -> Corpus:
        """All documents of `benign`; raises UserError where one is protected as well."""
        found = _together(self.benign, self.limit) if self.benign else Corpus("", ())
        both = {d.id for d in found.documents} & {d.id for d in self.protected.documents}
        if both:
            first = next(d for d in found.documents if d.id in both)
            raise UserError(
                f"“{first.title}” is both in --corpus and in --benign; leave it out of one of them."
            )
        return found

    @property
    def documents(self) -> tuple[Document, ...]:
        """All that prompts are from."""
        return *self.protected.documents, *self.others.documents


def _together(specs: tuple[str, ...], limit: int | None) -> Corpus:
    documents: dict[str, Document] = {}
    skipped: list[Skipped] = []
    for spec in specs:
        corpus = load_corpus(spec)
        documents |= {d.id: d for d in corpus.documents[:limit]}
        skipped.extend(corpus.skipped)
    return Corpus(", ".join(specs), tuple(documents.values()), tuple(skipped))
