"""Giving a pipeline embeddings in place of words."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

import torch

from copycat.cards.hooks import Conditioning
from copycat.errors import BadFile, UserError
from copycat.records import Request

R = TypeVar("R")


def conditioning_of(request: Request, known: Mapping[str, Conditioning]) -> Conditioning | None:
    """What `request` carries, of those that are `known` by their sha; BadFile where it is not among them."""
    if request.conditioning and request.conditioning not in known:
        raise BadFile(f"The conditioning {request.conditioning} of request {request.id} was not loaded.")
    return known.get(request.conditioning)


def with_tokens(
    pipeline: Any,
    requests: Sequence[Request],
    known: Mapping[str, Conditioning],
    draw: Callable[[Sequence[Request]], Sequence[R]],
) -> list[R]:
    """`draw` on all `requests`, each with its own token embeddings in `pipeline`; results in their order.

    Requests with different token embeddings are drawn one group after another, the others together.
    """
    groups: dict[str, list[int]] = {}
    for i, request in enumerate(requests):
        conditioning = conditioning_of(request, known)
        groups.setdefault(request.conditioning if conditioning and conditioning.tokens else "", []).append(i)
    drawn: dict[int, R] = {}
    for sha, places in groups.items():
        with token_embeddings(pipeline, known[sha].tokens if sha else {}):
            drawn.update(zip(places, draw([requests[i] for i in places]), strict=True))
    return [drawn[i] for i in range(len(requests))]


@contextmanager
def token_embeddings(pipeline: Any, tokens: Mapping[str, Mapping[str, torch.Tensor]]) -> Iterator[None]:
    """While it lasts, the text encoders see these vectors in place of the tokens' own; no weight changes.

    Raises UserError for a text encoder or a token that `pipeline` does not have.
    """
    with ExitStack() as hooks:
        for name, vectors in tokens.items():
            encoder = getattr(pipeline, name, None)
            if encoder is None:
                raise UserError(f"{type(pipeline).__name__} has no {name} whose tokens could be replaced.")
            tokenizer = getattr(pipeline, name.replace("text_encoder", "tokenizer"))
            by_id = {_token_id(tokenizer, token): vector for token, vector in vectors.items()}
            handle = encoder.get_input_embeddings().register_forward_hook(_replacing(by_id))
            hooks.callback(handle.remove)
        yield


def _token_id(tokenizer: Any, token: str) -> int:
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
            changed[given[0] == token] = vector.to(output)
        return changed

    return hook


def embeds_for(
    pipeline: Any, requests: Sequence[Request], known: Mapping[str, Conditioning]
) -> dict[str, Any]:
    """The arguments of `pipeline`'s call with the prompt embeddings of a batch; none where it has none.

    Raises UserError where only some of the requests have them, or have others than the first.
    """
    found = [conditioning_of(r, known) for r in requests]
    embeds = [c.embeds if c else {} for c in found]
    names = list(embeds[0])
    if any(set(e) != set(names) for e in embeds):
        raise UserError("The requests of a batch must carry the same kind of conditioning.")
    device, dtype = pipeline._execution_device, pipeline.dtype
    placed = {
        name: [e[name].to(device, dtype if e[name].is_floating_point() else None) for e in embeds]
        for name in names
    }
    return {n: rows if _takes_list(pipeline, n) else torch.stack(rows) for n, rows in placed.items()}


def _takes_list(pipeline: Any, argument: str) -> bool:
    """Whether the pipeline wants one tensor a picture, as Z-Image does, and not a batch in one tensor."""
    found = inspect.signature(pipeline.__call__).parameters.get(argument)
    if found is None:
        raise UserError(f"{type(pipeline).__name__} takes no {argument}.")
    return "list[" in str(found.annotation).lower()
