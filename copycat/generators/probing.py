"""What an image server does with what it is sent, found out with a few pictures before a run.

A server may ignore fields that it does not know. A guardrail that it ignores would look like one that does
not work, so each field is changed once, and the pictures must change with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from PIL.Image import Image

from copycat.cards.models import BodyField, ModelCard
from copycat.errors import MissingRequirement, UserError
from copycat.generators.base import ImageOutcome
from copycat.records import Request, Sampling

_PROMPT, _NEGATIVE = "a house beside a lake", "a lake"
_STEPS = 8
"""Most steps of a test picture: it has to change with what is sent, and need not look good."""
_REPEATED = 0.25
"""The part of the difference between two seeds' pictures up to which two pictures of one seed are the same
but for rounding, which batching on a server makes different from call to call."""
_NAMES: dict[BodyField, str] = {"steps": "the number of steps", "guidance": "the guidance"}

Draw = Callable[[Request], ImageOutcome]


def probe(card: ModelCard, requests: Sequence[Request], draw: Draw) -> tuple[str, ...]:
    """Sentences on what the server of `card` does with each of its `body_fields`; `draw` has it draw one
    picture.

    Raises UserError where `requests` have negative prompts that it ignores, and MissingRequirement where it
    does not draw.
    """
    first = _test_request(card)
    if "seed" not in card.body_fields:
        return (f"{card.title} is sent no seed, so what its server ignores cannot be told.",)
    shown = _Shown(card, draw)
    picture, again = shown(first), shown(first)
    other = shown(first.model_copy(update={"seed": first.seed + 1}))
    rounding, by_seed = _apart(picture, again), _apart(picture, other)
    obeyed, told = _seed(card, rounding, by_seed)
    if not obeyed:
        if any(r.negative for r in requests):
            told += " Whether it obeys negative prompts cannot be told either."
        return (told,)

    def changes(request: Request) -> bool:
        return _apart(picture, shown(request)) > 2 * rounding

    found = [told]
    if "negative" in card.body_fields and card.steers(first.sampling.guidance):
        if changes(first.model_copy(update={"negative": _NEGATIVE})):
            found.append("It obeys negative prompts.")
        else:
            _refuse_negatives(card, requests)
            found.append("It ignores negative prompts, of which this run has none.")
    sampling = first.sampling
    more: dict[BodyField, Sampling] = {
        "steps": sampling.model_copy(update={"steps": sampling.steps + 1}),
        "guidance": sampling.model_copy(update={"guidance": _other_guidance(sampling.guidance)}),
    }
    for field, changed in more.items():
        if field in card.body_fields and not changes(first.model_copy(update={"sampling": changed})):
            found.append(
                f"It ignores {_NAMES[field]} (`{card.body_fields[field]}`): it draws with what it likes, and "
                "not with what the rows say."
            )
    return (" ".join(found),)


def _other_guidance(guidance: float) -> float:
    """Another one that servers take, which limit it upwards."""
    return guidance / 2 if guidance > 2 else guidance + 1


def _test_request(card: ModelCard) -> Request:
    steps = min(card.sampling.steps, _STEPS)
    return Request(
        model=card.identity(), character="", prompt_set="probe", run_seed=0, seed=1, mitigation="none",
        source_prompt=_PROMPT, prompt=_PROMPT, sampling=card.sampling.model_copy(update={"steps": steps}),
    )  # fmt: skip


class _Shown:
    """The pictures that a server draws, one after another."""

    def __init__(self, card: ModelCard, draw: Draw) -> None:
        self._title, self._draw = card.title, draw

    def __call__(self, request: Request) -> Image:
        outcome = self._draw(request.with_id())
        if outcome.image is None:
            raise MissingRequirement(
                f"The server of {self._title} does not draw the test picture that it is asked for before a "
                f"run ({(outcome.error or outcome.outcome).rstrip('.')}); nothing was written. See "
                "docs/servers.md."
            )
        return outcome.image


def _seed(card: ModelCard, rounding: float, by_seed: float) -> tuple[bool, str]:
    """Whether the seed decides the picture, and what to say of it."""
    field = card.body_fields["seed"]
    if by_seed == 0:
        return False, (
            f"The server of {card.title} draws the same picture whatever the seed (`{field}`): pictures of "
            "one prompt are one picture, and more seeds tell nothing more."
        )
    if rounding > _REPEATED * by_seed:
        return False, (
            f"The server of {card.title} ignores the seed (`{field}`): the same request gives another "
            "picture each time, so guardrails are not compared on the same noise."
        )
    same = "the same picture" if rounding == 0 else "the same picture but for rounding"
    return True, f"The server of {card.title} was probed: the same seed gives {same}, another seed another."


def _refuse_negatives(card: ModelCard, requests: Sequence[Request]) -> None:
    negative = next((r for r in requests if r.negative), None)
    if negative is not None:
        raise UserError(
            f"The server of {card.title} ignores negative prompts (`{card.body_fields['negative']}`): it "
            f"draws the same picture with one and without, so {negative.mitigation} would do nothing; use a "
            "mitigation that changes the prompt, such as rewrite, or a server that takes them "
            "(docs/servers.md)."
        )


def _apart(one: Image, other: Image) -> float:
    """Mean absolute difference of the pixels, in [0, 1]; 1 for pictures of different sizes."""
    if one.size != other.size:
        return 1.0
    a, b = (np.asarray(p.convert("RGB"), dtype=np.float32) for p in (one, other))
    return float(np.abs(a - b).mean()) / 255
