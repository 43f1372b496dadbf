"""What a pipeline makes of a text before its text encoder sees it: how it is cleaned, which of its letters
the tokenizers know, and where it is cut off. Needs tokenizers and the pipeline's class, and no weights."""

from __future__ import annotations

import inspect
import re
import sys
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from copycat.cards.models import ModelCard
from copycat.cards.pipelines import pipeline_class
from copycat.errors import BadFile, UserError
from copycat.generators.published import model_index
from copycat.io.documents import parse_json
from copycat.io.loading import check_packages
from copycat.records import Request

NO_LIMIT = 100_000
"""transformers writes a huge number where a tokenizer has no limit."""
SLOTS = ("tokenizer", "tokenizer_2", "tokenizer_3", "tokenizer_4")
_HARD_LIMIT = re.compile(r"^\s*max_length = (\d+)\s*$", re.MULTILINE)
_HALF_A_LETTER = "\N{REPLACEMENT CHARACTER}"
"""What a token of single bytes decodes to."""


@dataclass(frozen=True)
class Reading:
    """How one pipeline reads texts."""

    who: str
    """The model, for a sentence."""
    pipeline: type
    """Class of diffusers."""
    tokenizers: Mapping[str, Any]
    """By the pipeline's own name of it; those that are there."""
    call: Mapping[str, Any] = field(default_factory=dict)
    """Arguments that the card passes, which may change what is read."""
    function: str = "__call__"
    """The pipeline's function that is given the texts."""

    @cached_property
    def limit(self) -> int | None:
        """Tokens that the encoder which reads furthest takes, begin and end counted; None without a limit.

        It is what the pipeline says: `max_sequence_length` (the card's, else the default), a length that is
        written into its `encode_prompt`, or the tokenizer's own.
        """
        if not self.tokenizers:
            return None
        told = self._argument("max_sequence_length")
        if told is not None and self._last in self.tokenizers:
            return int(told)
        hard = self._hard_limit()
        if hard is not None:
            return hard
        own = max(int(t.model_max_length) for t in self.tokenizers.values())
        return None if own > NO_LIMIT else own

    @property
    def _last(self) -> str:
        """The tokenizer whose length `max_sequence_length` is: the last that the class asks for."""
        asked = inspect.signature(self.pipeline).parameters
        return [s for s in SLOTS if s in asked][-1]

    @property
    def furthest(self) -> Any:
        """The tokenizer that :attr:`limit` is counted with."""
        if self._last in self.tokenizers:
            return self.tokenizers[self._last]
        return max(self.tokenizers.values(), key=lambda t: int(t.model_max_length))

    def _argument(self, name: str) -> Any:
        """What `name` is in a call: the card's, else the default; None where the function has none."""
        found = inspect.signature(getattr(self.pipeline, self.function)).parameters.get(name)
        if found is None:
            return None
        return self.call.get(name, None if found.default is found.empty else found.default)

    def _hard_limit(self) -> int | None:
        try:
            written = _HARD_LIMIT.findall(inspect.getsource(self.pipeline.encode_prompt))  # type: ignore[attr-defined]
        except (AttributeError, OSError, TypeError):
            return None
        return max(map(int, written), default=None)

    @cached_property
    def prepare(self) -> Callable[[str], str]:
        """The pipeline's own cleaning of a text, as it is called."""
        own = getattr(self.pipeline, "_text_preprocessing", None)
        if own is not None:
            bare: Any = object.__new__(self.pipeline)
            cleans = {}
            if "clean_caption" in inspect.signature(own).parameters:
                cleans["clean_caption"] = bool(self._argument("clean_caption"))
            return lambda text: str(own(bare, text, **cleans)[0])
        module = getattr(sys.modules[self.pipeline.__module__], "prompt_clean", None)
        return module if callable(module) else str

    @property
    def cleans(self) -> bool:
        """Whether captions are cleaned, which removes letters and words."""
        return bool(self._argument("clean_caption"))

    def loses(self, text: str) -> bool:
        """Whether its cleaning takes letters or digits away from `text`."""
        return bool(_letters(text) - _letters(self.prepare(text)))

    def unknown(self, text: str) -> str:
        """The letters of `text` that none of the tokenizers knows, each once. Those of ASCII are known."""
        foreign = dict.fromkeys(c for c in self.prepare(text) if c.isalnum() and not c.isascii())
        return "".join(c for c in foreign if not self._knows(c))

    def _knows(self, letter: str) -> bool:
        if letter not in self._known:
            readers = self.tokenizers.values()
            self._known[letter] = not readers or any(_knows(t, letter) for t in readers)
        return self._known[letter]

    @cached_property
    def _known(self) -> dict[str, bool]:
        """Letters that were looked up."""
        return {}

    def length(self, text: str) -> int:
        """Tokens of `text` for the encoder that reads furthest, begin and end counted."""
        found = self.furthest(self.prepare(text), padding=False, truncation=False, verbose=False)
        return len(found["input_ids"])


def _letters(text: str) -> Counter[str]:
    return Counter(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())


def _knows(tokenizer: Any, letter: str) -> bool:
    ids = tokenizer(letter, add_special_tokens=False, verbose=False)["input_ids"]
    pieces = (tokenizer.decode([i]) for i in ids if i != tokenizer.unk_token_id)
    return any(c.isalnum() or c == _HALF_A_LETTER for piece in pieces for c in piece)


def reading_of(pipeline: Any, card: ModelCard, function: str = "__call__") -> Reading:
    """How a loaded `pipeline` reads what `card` sends."""
    found = {
        s: t
        for s in SLOTS
        if (t := getattr(pipeline, s, None)) is not None and getattr(pipeline, _encoder(s), True) is not None
    }
    return Reading(card.name, type(pipeline), found, card.call, function)


def _encoder(slot: str) -> str:
    return slot.replace("tokenizer", "text_encoder")


def planned_reading(card: ModelCard, function: str = "__call__") -> Reading:
    """How the pipeline of `card` will read, without its weights. UserError where it cannot be had."""
    if card.api:
        raise UserError(f"{card.title} is hosted, and its text encoder is not open; name another model.")
    kind = pipeline_class(card.pipeline)
    if kind is None:
        raise BadFile(f"The card {card.name} names {card.pipeline}, which is no pipeline of diffusers.")
    return Reading(card.name, kind, _tokenizers(card, ask=True), card.call, function)


def _tokenizers(card: ModelCard, ask: bool) -> dict[str, Any]:
    import transformers

    found = {}
    try:
        with card.loading(card.title, "a pipeline with a tokenizer"):
            index = parse_json(model_index(card, ask).read_text(encoding="utf-8"))
    except UserError:
        if ask:
            raise
        return {}
    left_out = set(card.null_components) | {k for k, v in index.items() if isinstance(v, list) and not v[0]}
    for slot in SLOTS:
        if slot not in index or {slot, _encoder(slot)} & left_out:
            continue
        try:
            with card.loading(card.title, "a pipeline with a tokenizer"):
                found[slot] = transformers.AutoTokenizer.from_pretrained(
                    card.location,
                    subfolder=slot,
                    revision=card.commit(),
                    local_files_only=not ask,
                    trust_remote_code=False,
                )
        except UserError:
            # What cannot be read alone is loaded with the pipeline, which says what is wrong with it.
            continue
    return found


def check_texts(
    card: ModelCard, requests: Sequence[Request], function: str = "__call__", *, ask: bool = True
) -> None:
    """Raise UserError where texts of `requests` would not reach the model of `card`.

    MissingRequirement says which packages the cleaning of captions lacks.
    Without `ask`, for a dry run, nothing is downloaded, and what is not here is not checked.
    """
    kind = pipeline_class(card.pipeline)
    if kind is None:
        return  # loading it says so
    cleans = Reading(card.name, kind, {}, card.call, function).cleans
    if plain(requests) and not cleans:
        return
    if cleans:
        # Without them diffusers skips the cleaning, with a page of advice, and other texts would be checked.
        check_packages(card.packages, card.title)
    refuse_unread(Reading(card.name, kind, _tokenizers(card, ask), card.call, function), card.title, requests)


def refuse_unread(reading: Reading, title: str, requests: Iterable[Request]) -> None:
    """Raise UserError where texts would arrive at the encoder empty or mutilated: with letters that were
    cleaned away, or that it does not know."""
    for kind, texts in by_kind(requests).items():
        lost = [t for t in texts if reading.cleans and reading.loses(t)]
        if lost:
            raise UserError(
                f"{title} cleans its captions, which takes letters from {len(lost)} of {len(texts)} {kind} "
                f"(of {_quoted(lost[0])} it leaves {_quoted(reading.prepare(lost[0]))}); choose a card or "
                "preset with clean_caption: false in its call, or leave these prompts out (--prompts FILE)."
            )
        foreign = {t: letters for t in texts if (letters := reading.unknown(t))}
        if foreign:
            text, letters = next(iter(foreign.items()))
            raise UserError(
                f"{title} cannot read {len(foreign)} of {len(texts)} {kind}: its tokenizer does not know "
                f"{_quoted(letters)} (in {_quoted(text)}, for instance); choose a model that reads them, or "
                "leave these prompts out (--prompts FILE)."
            )


def overlong(texts: Mapping[str, Iterable[str]], reading: Reading) -> list[str]:
    """One sentence for each kind of text with some that have more tokens than the pipeline reads.

    `texts` are by kind, as "prompts of name". Begin and end count. Of several text encoders the one that
    reads most decides, since it sees what the others miss.
    """
    limit = reading.limit
    if limit is None:
        return []
    told = []
    for kind, found in texts.items():
        lengths = [reading.length(t) for t in found]
        long = sum(n > limit for n in lengths)
        if long:
            told.append(
                f"{long} of {len(lengths)} {kind} are longer than the {limit} tokens that {reading.who} "
                f"reads (up to {max(lengths)}); the rest of them is cut off."
            )
    return told


def by_kind(requests: Iterable[Request]) -> dict[str, list[str]]:
    """The distinct texts that are sent, by what they are: "prompts of none on name"."""
    texts: dict[str, dict[str, None]] = defaultdict(dict)
    for r in requests:
        if r.conditioning:
            continue  # embeddings stand in for the words
        texts[f"prompts of {r.mitigation} on {r.prompt_set}"][r.prompt] = None
        if r.negative:
            texts[f"negative prompts of {r.mitigation} on {r.prompt_set}"][r.negative] = None
    return {kind: list(found) for kind, found in texts.items()}


def plain(requests: Sequence[Request]) -> bool:
    """Whether every text is of letters that any tokenizer knows."""
    return all(r.prompt.isascii() and r.negative.isascii() for r in requests)


def _quoted(text: str) -> str:
    return f"“{' '.join(text.split())[:60]}”"
