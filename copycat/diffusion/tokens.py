"""Putting vectors in the place of tokens, in a pipeline's text encoders; no weight changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
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
