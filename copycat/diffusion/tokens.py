"""Putting vectors in the place of tokens, in a pipeline's text encoders; no weight changes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from copycat.errors import UserError


@contextmanager
def token_embeddings(pipeline: Any, tokens: Mapping[str, Mapping[str, torch.Tensor]]) -> Iterator[None]:
    """While it lasts, the text encoders see these vectors in place of the tokens' own; no weight changes.

    `tokens` are by text encoder (`text_encoder`, `text_encoder_2`, …) and token: (width,), or (n, width) for
    texts that hold the token n times among them, in the order of the texts. Gradients reach the vectors.
    Raises UserError for a text encoder or a token that `pipeline` does not have.
    """
    with ExitStack() as hooks:
        for name, vectors in tokens.items():
            encoder = getattr(pipeline, name, None)
            if encoder is None:
                raise UserError(f"{type(pipeline).__name__} has no {name} whose tokens could be replaced.")
            by_id = {token_id(tokenizer_of(pipeline, name), t): vector for t, vector in vectors.items()}
            for table in _tables(encoder):
                hooks.callback(table.register_forward_hook(_replacing(by_id)).remove)
        yield


def _tables(encoder: Any) -> list[torch.nn.Module]:
    """The modules that look tokens up. T5 has two of the same weights, and reads by the one that it does not
    name."""
    weight = encoder.get_input_embeddings().weight
    modules = [m for m in encoder.modules() if isinstance(m, torch.nn.Embedding)]
    return [m for m in modules if m.weight.data_ptr() == weight.data_ptr() and m.weight.shape == weight.shape]


def text_encoders(pipeline: Any) -> dict[str, Any]:
    """The text encoders of `pipeline`, by its names for them."""
    parts = pipeline.components.items()
    return {n: m for n, m in parts if n.startswith("text_encoder") and isinstance(m, torch.nn.Module)}


def tokenizer_of(pipeline: Any, encoder: str) -> Any:
    """The tokenizer of the text encoder that `pipeline` calls `encoder`."""
    return getattr(pipeline, encoder.replace("text_encoder", "tokenizer"))


def token_id(tokenizer: Any, token: str) -> int:
    """The number of `token`. Raises UserError for a text that is not one token."""
    ids = tokenizer.encode(token, add_special_tokens=False)
    known = [i for i in ids if i != tokenizer.unk_token_id]
    if len(ids) == len(known) == 1:
        return int(known[0])
    exact = tokenizer.get_vocab().get(token)
    if exact is None:
        raise UserError(f"'{token}' is not one token of {type(tokenizer).__name__}, so it has no embedding.")
    return int(exact)


@dataclass(frozen=True)
class Vocabulary:
    """Words that are one token each for all text encoders of a pipeline, and come back as that token when
    they are written and read again."""

    words: Sequence[str]
    ids: Mapping[str, torch.Tensor]
    """By text encoder: the numbers of the words' tokens, shape (words,)."""

    def where(self, chosen: Sequence[bool]) -> Vocabulary:
        """Those words alone that are `chosen`, a mark for each."""
        kept = torch.tensor(chosen, dtype=torch.bool)
        return Vocabulary(
            [word for word, wanted in zip(self.words, chosen, strict=True) if wanted],
            {encoder: ids[kept] for encoder, ids in self.ids.items()},
        )


def vocabulary(pipeline: Any) -> Vocabulary:
    """The words of `pipeline`, in the order of its first tokenizer, without special tokens. Raises UserError
    for one without a text encoder."""
    encoders = list(text_encoders(pipeline))
    if not encoders:
        raise UserError(f"{type(pipeline).__name__} has no text encoder whose words could be chosen from.")
    first = tokenizer_of(pipeline, encoders[0])
    numbered = sorted(first.get_vocab().items(), key=lambda item: item[1])
    words = list(dict.fromkeys(w for token, _ in numbered if (w := _word(token))))
    read = {e: _single(tokenizer_of(pipeline, e), words) for e in encoders}
    kept = [i for i, word in enumerate(words) if all(ids[i] is not None for ids in read.values())]
    return Vocabulary(
        [words[i] for i in kept], {e: torch.tensor([ids[i] for i in kept]) for e, ids in read.items()}
    )


def _single(tokenizer: Any, words: Sequence[str]) -> list[int | None]:
    """The number of the one token that each word is; None for any other word."""
    special = set(tokenizer.all_special_ids)
    read = tokenizer(list(words), add_special_tokens=False)["input_ids"]
    return [ids[0] if len(ids) == 1 and ids[0] not in special else None for ids in read]


def _word(token: str) -> str:
    """How a token is written by itself: vocabularies mark the begin of a word, or its end."""
    return token.replace("</w>", "").lstrip("▁Ġ")


def placeholders(pipeline: Any, prompts: Sequence[str], n: int) -> list[str]:
    """`n` words of `pipeline` that are one token for each of its text encoders, and that none of `prompts`
    holds. Raises UserError where there are not as many."""
    encoders = list(text_encoders(pipeline))
    used = {
        (e, i)
        for e in encoders
        for p in prompts
        for i in tokenizer_of(pipeline, e).encode(p, add_special_tokens=False)
    }
    found: list[str] = []
    for word in sorted(_letters(tokenizer_of(pipeline, encoders[0]))):
        ids = {e: tokenizer_of(pipeline, e).encode(word, add_special_tokens=False) for e in encoders}
        if all(len(i) == 1 and (e, i[0]) not in used for e, i in ids.items()):
            found.append(word)
            if len(found) == n:
                return found
    raise UserError(f"{type(pipeline).__name__} has no {n} tokens that could stand before a prompt.")


def _letters(tokenizer: Any) -> set[str]:
    special = set(tokenizer.all_special_tokens)
    plain = (_word(t) for t in tokenizer.get_vocab() if t not in special)
    return {w for w in plain if w.isascii() and w.isalpha() and len(w) > 1}


def word_places(pipeline: Any, text: str) -> tuple[range, ...] | None:
    """For each word of `text`, as blanks part them, the places that its tokens have among those that the text
    encoders of `pipeline` are given; empty for a word beyond the longest text that they take. None where
    there is no text encoder, or several that split the text unlike each other."""
    found = {_places(tokenizer_of(pipeline, name), text) for name in text_encoders(pipeline)}
    return found.pop() if len(found) == 1 else None


def _places(tokenizer: Any, text: str) -> tuple[range, ...]:
    def read(part: str, special: bool) -> list[int]:
        limit = tokenizer.model_max_length
        found: list[int] = tokenizer(part, truncation=True, max_length=limit, add_special_tokens=special)[
            "input_ids"
        ]
        return found

    words, marks = text.split(), set(tokenizer.all_special_ids)
    bounds = [0, *(len(read(" ".join(words[: i + 1]), special=False)) for i in range(len(words)))]
    plain = [i for i, token in enumerate(read(text, special=True)) if token not in marks] or [0]
    return tuple(
        range(min(plain[0] + a, plain[-1] + 1), min(plain[0] + b, plain[-1] + 1))
        for a, b in itertools.pairwise(bounds)
    )


@contextmanager
def gradients_off(pipeline: Any) -> Iterator[None]:
    """While it lasts no weight of `pipeline` wants a gradient; afterwards those do that did before."""
    modules = [m for m in pipeline.components.values() if isinstance(m, torch.nn.Module)]
    wanting = [p for m in modules for p in m.parameters() if p.requires_grad]
    for p in wanting:
        p.requires_grad_(False)
    try:
        yield
    finally:
        for p in wanting:
            p.requires_grad_(True)


def _replacing(vectors: Mapping[int, torch.Tensor]) -> Callable[..., torch.Tensor]:
    def hook(_: torch.nn.Module, given: tuple[torch.Tensor, ...], output: torch.Tensor) -> torch.Tensor:
        changed = output.clone()
        for token, vector in vectors.items():
            places = given[0] == token
            # An encoder may be asked for other texts on the way, such as the negative prompt.
            if places.any():
                changed[places] = vector.to(output)
        return changed

    return hook
