"""Safe latent diffusion: its rule by hand, and on pipelines."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from copycat.cards.hooks import DenoiseStep
from copycat.errors import UserError
from copycat.generators.base import load_generator
from copycat.records import Request
from copycat.stages.plan import check_offered
from tests.helpers.steered import card_of, request_of


def _step(time: int, memory: dict[str, Any], request: Request, name: float = 0.9) -> DenoiseStep:
    """One call for a picture and its negative prompt: ε(∅) is 0, ε(prompt) is 1, ε(name) is `name`."""

    def model(step: DenoiseStep) -> torch.Tensor:
        words = step.arguments["encoder_hidden_states"]
        return words.mean(dim=(1, 2))[:, None, None, None].expand_as(step.latents).clone()

    words = torch.cat([torch.zeros(1, 2, 2), torch.ones(1, 2, 2)])
    said = {"Zori": {"encoder_hidden_states": torch.full((1, 2, 2), name)}}
    given = {"encoder_hidden_states": words}
    return DenoiseStep(torch.zeros(2, 1, 1, 1), time, (request,) * 2, given, model, said, memory)


def test_the_rule_by_hand() -> None:
    card = card_of("menagerie")
    request, composition = request_of(card, "sld[strength=max]", 1)
    hook = composition.denoiser(request)
    assert hook is not None
    memory: dict[str, Any] = {}
    # max: no warm-up, s = 5000, threshold 1, momentum 0.5, decay 0.7. |1 - 0.9| · s is cut to 1, so the first
    # step takes 1 · (0.9 - 0) away; the momentum is 0.3 · 0.9 then, and the second takes 0.9 + 0.5 · 0.27.
    assert hook(_step(9, memory, request)).flatten().tolist() == pytest.approx([0.0, 0.1])
    assert hook(_step(8, memory, request)).flatten().tolist() == pytest.approx([0.0, 1 - 0.9 - 0.135])


def test_it_waits_as_long_as_its_strength_says() -> None:
    request, composition = request_of(card_of("menagerie"), "sld[strength=strong]", 1)
    hook, memory = composition.denoiser(request), {}
    assert hook is not None
    drawn = [hook(_step(9 - i, memory, request, 0.99))[1].item() for i in range(9)]
    assert drawn[:7] == [1.0] * 7
    assert drawn[7] < 0.1
    # A prediction that is further from the name's than its threshold, 0.025, is left alone.
    apart = [hook(_step(9 - i, {"steps": 9}, request, 0.9))[1].item() for i in range(2)]
    assert apart == [1.0, 1.0]


@pytest.mark.parametrize("name", ["menagerie", "sd", "sdxl"])
def test_it_changes_pictures_and_each_draw_begins_anew(name: str, tiny_models: Any) -> None:
    torch.set_num_threads(1)
    card = card_of(name, tiny_models)
    with load_generator(card, "cpu") as generator:

        def draw(spec: str) -> list[bytes]:
            made = [request_of(card, spec, seed) for seed in (1, 2)]
            hook = made[0][1].denoiser(made[0][0])
            found = generator.generate([r for r, _ in made], denoise=hook)
            assert [o.error for o in found] == [None, None]
            return [o.image.tobytes() for o in found if o.image]

        guarded = draw("sld[strength=max]")
        assert guarded != draw("none")
        assert guarded == draw("sld[strength=max]")


def test_a_model_that_is_not_guided_is_refused_before_a_run_and_at_the_latest_in_a_step(
    tiny_models: Any, tmp_path: Path
) -> None:
    run = tiny_models.config(tmp_path / "run", mitigations=("none", "sld"), guidance=1.0)
    with pytest.raises(UserError, match=r"without classifier-free guidance .*so sld cannot act"):
        check_offered(run)
    check_offered(tiny_models.config(tmp_path / "run", mitigations=("none", "sld"), guidance=3.0))
    request, composition = request_of(card_of("menagerie"), "sld", 1)
    hook, whole = composition.denoiser(request), _step(1, {}, request)
    assert hook is not None
    with pytest.raises(UserError, match="classifier-free guidance"):
        hook(replace(whole, latents=whole.latents[:1], requests=whole.requests[:1]))
