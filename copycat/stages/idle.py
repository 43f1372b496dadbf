"""Idle negatives: negative prompts that turn out to do nothing; a part of generate.

A pipeline that drops the negative prompt, or a server that does, gives the picture that it would have given
without. Numbers of such a run look like a guardrail that does not work, so it is stopped at the first pair of
pictures that shows it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence

from copycat.errors import UserError
from copycat.mitigations import denoiser_key
from copycat.records import ImageRow, Request

Pair = tuple[Request, Request]
Rows = Mapping[str, Sequence[ImageRow]]
"""Rows of each request, by its id."""
_READ_BY_ALL = 20
"""Bytes at the beginning of a text that every tokenizer reads: a token is a byte at least. Negatives that
differ only after them may be cut off alike, and then rightly give the same picture."""


class IdleNegatives:
    """Watches the pairs of a plan that differ in the words of their negative prompts alone."""

    def __init__(self, requests: Iterable[Request]) -> None:
        same: dict[Hashable, list[Request]] = defaultdict(list)
        for r in requests:
            same[_but_for_the_negative(r)].append(r)
        self._pairs: dict[tuple[str, str], list[Pair]] = defaultdict(list)
        """By the two mitigations, in the plan's order."""
        for company in same.values():
            for i, a in enumerate(company):
                for b in company[i + 1 :]:
                    if a.mitigation != b.mitigation and _differ(a.negative, b.negative):
                        self._pairs[a.mitigation, b.mitigation].append((a, b))

    def first(self) -> list[Request]:
        """The first pair of each two mitigations: what to draw first, so that it is found out soon."""
        return list({r.id: r for pairs in self._pairs.values() for r in pairs[0]}.values())

    def check(self, rows: Rows, title: str) -> None:
        """Raise UserError where two mitigations gave the same picture the first time that both gave one.

        A refused or failed picture says nothing, nor does one that a filter had drawn again from other noise.
        """
        for (one, other), pairs in list(self._pairs.items()):
            seen = next(((a, b) for a, b in pairs if _picture(rows, a) and _picture(rows, b)), None)
            if seen is None:
                continue
            if _picture(rows, seen[0]) == _picture(rows, seen[1]):
                raise UserError(
                    f"The negative prompt does nothing: {title} gave the same picture of {seen[0].character} "
                    f"under {one} and {other}, which differ in it alone. What is drawn is kept. Use a "
                    "mitigation that changes the prompt, such as rewrite, or mend the model's card "
                    "(guidance_argument, guidance_off, negative_prompt; see docs/add-a-model.md)."
                )
            # They differ, so the negative prompt acts; no further pair has to be looked at.
            del self._pairs[one, other]


def _but_for_the_negative(r: Request) -> Hashable:
    place = (r.character, r.prompt_set, r.prompt_index, r.index, r.run_seed, r.seed)
    return *place, r.prompt, r.sampling, r.variant, r.conditioning, denoiser_key(r)


def _differ(one: str, other: str) -> bool:
    beginnings = (text.strip().encode()[:_READ_BY_ALL] for text in (one, other))
    return len(set(beginnings)) > 1


def _picture(rows: Rows, request: Request) -> tuple[str | None, ...] | None:
    """The hashes of what was drawn from the request's own noise; None where there is no such picture."""
    found = rows.get(request.id, ())
    if not found or any(row.outcome != "ok" for row in found):
        return None
    review = found[0].review
    if review is not None and review.seed != request.seed:
        return None
    return tuple(row.sha256 for row in found)
