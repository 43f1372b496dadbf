"""Giving a pipeline embeddings in place of words."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import torch

from copycat.cards.hooks import Conditioning
from copycat.diffusion.tokens import token_embeddings
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
