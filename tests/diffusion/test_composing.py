"""Signed composition of prompts: its rule by hand, and on pipelines."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from copycat.cards.hooks import Denoise, DenoiseStep, Steering
from copycat.cards.models import load_card
from copycat.diffusion.composing import Composed, Term, signed
from copycat.errors import UserError
from copycat.generators.base import load_generator
from copycat.records import Request

GUIDANCE = 3.0
PROMPT = "Zori the owl"


def _request(card: Any, seed: int = 1) -> Request:
    sampling = card.sampling.model_copy(update={"steps": 3, "guidance": GUIDANCE})
    return Request(
        model=card.identity(), character="zori", prompt_set="name", run_seed=0, seed=seed, mitigation="none",
        source_prompt=PROMPT, prompt=PROMPT, sampling=sampling,
    ).with_id()  # fmt: skip


def _step(texts: dict[str, float], prompt: float = 2.0) -> DenoiseStep:
    """One call for a picture: under a text the model predicts the number that stands for it."""

    def model(step: DenoiseStep) -> Tensor:
        words = step.arguments["encoder_hidden_states"]
        return words.mean(dim=(1, 2))[:, None, None, None].expand_as(step.latents).clone()

    words = torch.cat([torch.full((1, 2, 2), texts[""]), torch.full((1, 2, 2), prompt)])
    said = {text: {"encoder_hidden_states": torch.full((1, 2, 2), v)} for text, v in texts.items()}
    request = _request(load_card("menagerie"))
    return DenoiseStep(
        torch.zeros(2, 1, 1, 1), 9, (request,) * 2, {"encoder_hidden_states": words}, model, said, {}
    )


def test_the_rule_by_hand() -> None:
    composed = Composed(_step({"": 0.5, "a": 3.0, "b": -1.0}), "this")
    # ε(∅) + 3 (ε(c) − ε(∅)) = 0.5 + 3 · 1.5
    assert composed.guided(3.0).item() == 5.0
    # 2 (3 − 0.5) − 0.5 (−1 − 0.5)
    assert composed.along([[("a", 2.0), ("b", -0.5)]]).item() == 5.75
    with pytest.raises(ValueError, match="nothing to compose"):
        composed.along([[]])
    assert composed.sent(torch.ones(1, 1, 1, 1)).flatten().tolist() == [1.0, 1.0]


def test_it_is_linear_in_the_weights() -> None:
    chance = torch.Generator().manual_seed(0)
    empty, *found = torch.randn(4, 2, 3, generator=chance)

    def directions(*weights: float) -> Tensor:
        return signed(empty, found, weights) - empty

    torch.testing.assert_close(
        directions(1.0, -2.0, 3.5),
        directions(1.0, 0.0, 0.0) - 2 * directions(0.0, 1.0, 0.0) + 3.5 * directions(0.0, 0.0, 1.0),
    )


def test_pictures_with_fewer_terms_are_what_they_are_alone() -> None:
    step = _step({"": 0.5, "a": 3.0, "b": -1.0})
    other = _request(load_card("menagerie"), seed=2)
    both = replace(
        step,
        latents=torch.zeros(4, 1, 1, 1),
        requests=(step.requests[0], other) * 2,
        arguments={"encoder_hidden_states": step.arguments["encoder_hidden_states"].repeat_interleave(2, 0)},
    )
    found = Composed(both, "this").along([[("a", 1.0)], [("a", 1.0), ("b", 1.0)]])
    assert found.flatten().tolist() == [2.5, 1.0]


@pytest.mark.parametrize("name", ["menagerie", "sd", "sdxl"])
def test_one_prompt_is_the_pipelines_own_guidance(name: str, tiny_models: Any) -> None:
    """ε(∅) + s (ε(c) − ε(∅)) with the prompt as the one term predicts what the pipeline's guidance makes of
    its own two rows."""
    torch.set_num_threads(1)
    card = load_card(name if name == "menagerie" else str(getattr(tiny_models, name)))
    request, apart = _request(card), []

    def hook(step: DenoiseStep) -> Tensor:
        composed = Composed(step, "this")
        theirs = composed.guided(GUIDANCE)
        mine = step.predict().chunk(2)[0] + composed.along([[(PROMPT, GUIDANCE)]])
        apart.append((theirs - mine).abs().max().item() / theirs.abs().max().item())
        return composed.sent(mine)

    with load_generator(card, "cpu") as generator:
        (composed,) = generator.generate([request], denoise=Steering(hook, lambda _: ["", PROMPT]))
        (plain,) = generator.generate([request])
        assert composed.error is plain.error is None
    assert len(apart) >= 3
    assert max(apart) < 1e-6
    assert composed.image is not None
    assert plain.image is not None
    pixels = [torch.tensor(list(o.image.tobytes())).float() for o in (composed, plain) if o.image]
    assert (pixels[0] - pixels[1]).abs().max() <= 1, "a rounding of the last bit"


def test_with_a_negative_prompt_the_empty_text_is_where_directions_begin() -> None:
    step = _step({"": 0.5, "a": 3.0})
    negative = step.requests[0].model_copy(update={"negative": "an owl"})
    given = {"encoder_hidden_states": torch.cat([torch.full((1, 2, 2), 9.0), torch.full((1, 2, 2), 2.0)])}
    with_negative = replace(step, requests=(negative,) * 2, arguments=given)
    assert Composed(with_negative, "this").along([[("a", 1.0)]]).item() == 2.5


def _flipped(step: DenoiseStep) -> Tensor:
    """An eraser that turns every direction around: d' = −d."""
    empty, prompted = step.predict().chunk(2)
    return torch.cat([empty, 2 * empty - prompted])


@pytest.mark.parametrize("name", ["menagerie", "sd", "sdxl"])
def test_the_sign_flip_undoes_an_eraser_that_turns_directions_around(name: str, tiny_models: Any) -> None:
    torch.set_num_threads(1)
    card = load_card(name if name == "menagerie" else str(getattr(tiny_models, name)))
    apart: list[float] = []

    def attacked(step: DenoiseStep) -> Tensor:
        original = Composed(step, "this").guided(GUIDANCE)
        erased = replace(step, model=lambda changed: _flipped(replace(changed, model=step.model)))
        composed = Composed(erased, "this")
        empty = step.predict().chunk(2)[0]
        restored = empty + composed.along([[(PROMPT, -GUIDANCE)]])
        apart.append((restored - original).abs().max().item() / original.abs().max().item())
        return composed.sent(restored)

    hook: Denoise = Steering(attacked, lambda _: ["", PROMPT])
    with load_generator(card, "cpu") as generator:
        (found,) = generator.generate([_request(card)], denoise=hook)
    assert found.error is None
    assert max(apart) < 1e-6


def test_a_pipeline_that_is_not_asked_twice_at_once_is_refused() -> None:
    step = _step({"": 0.0})
    with pytest.raises(UserError, match="this needs a model that is asked with and without the prompt"):
        Composed(replace(step, latents=step.latents[:1]), "this")


def test_texts_of_other_lengths_are_refused() -> None:
    step = _step({"": 0.0, "a": 1.0})
    longer = {**step.said, "a": {"encoder_hidden_states": torch.ones(1, 5, 2)}}
    terms: list[list[Term]] = [[("a", 1.0)]]
    with pytest.raises(UserError, match="texts at their own lengths"):
        Composed(replace(step, said=longer), "this").along(terms)
