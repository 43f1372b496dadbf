"""Dynamic negative guidance: its rule by hand, and on pipelines."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from copycat.cards.hooks import DenoiseStep
from copycat.diffusion.schedule import clean, log_likelihood_ratio
from copycat.errors import UserError
from copycat.generators.base import load_generator
from copycat.stages.plan import check_offered
from tests.helpers.steered import card_of, request_of

SCHEDULER = SimpleNamespace(
    alphas_cumprod=torch.tensor([0.9, 0.5, 0.2]), config=SimpleNamespace(prediction_type="epsilon")
)


def test_the_likelihood_ratio_is_that_of_the_gaussian_steps() -> None:
    latents, later = torch.tensor([[[[0.4, -0.1]]]]), torch.tensor([[[[0.3, 0.2]]]])
    guesses = torch.tensor([[[[0.5, 0.1]]]]), torch.tensor([[[[-0.2, 0.3]]]])
    at, to = torch.tensor(2), torch.tensor(1)
    # From ᾱ = 0.2 to ᾱ = 0.5: α = 0.4 and β = 0.6.
    spread = (0.6 * 0.5 / 0.8) ** 0.5
    steps = [
        torch.distributions.Normal(0.5**0.5 * 0.6 / 0.8 * guess + 0.4**0.5 * 0.5 / 0.8 * latents, spread)
        for guess in guesses
    ]
    wanted = (steps[0].log_prob(later) - steps[1].log_prob(later)).sum()
    found = log_likelihood_ratio(SCHEDULER, latents, at, (later, to), guesses)
    assert found.shape == (1,)
    assert found.item() == pytest.approx(wanted.item(), rel=1e-5)


class Drawn:
    """Two steps of a picture of one number: ε(∅) is 0, ε(prompt) is 1, ε(name) is as given."""

    def __init__(self, spec: str, name: float, latents: tuple[float, float], times: tuple[int, int]) -> None:
        request, composition = request_of(card_of("menagerie"), spec, 1)
        hook = composition.denoiser(request)
        assert hook is not None
        self.memory: dict[str, Any] = {}
        said = {"Zori": {"words": torch.full((1, 1, 1), name)}}
        given = {"words": torch.tensor([[[0.0]], [[1.0]]])}
        steps = [
            DenoiseStep(
                torch.full((2, 1, 1, 1), value),
                time,
                (request,) * 2,
                given,
                self._model,
                said,
                self.memory,
                scheduler=SCHEDULER,
            )
            for value, time in zip(latents, times, strict=True)
        ]
        self.predicted = [hook(step).flatten().tolist() for step in steps]

    @staticmethod
    def _model(step: DenoiseStep) -> torch.Tensor:
        return step.arguments["words"][:, :, :, None].clone()


def test_the_strength_is_the_odds_by_the_path_so_far() -> None:
    drawn = Drawn("dng[prior=0.2,most=50]", 0.6, (0.5, -0.4), (2, 1))
    # At first the odds are those of the prior, 0.2 / 0.8.
    assert drawn.predicted[0] == pytest.approx([0.0, 1 - 0.25 * 0.6])
    latents = torch.full((1, 1, 1, 1), 0.5)
    named, empty = (
        clean(SCHEDULER, latents, torch.full_like(latents, e), torch.tensor(2)) for e in (0.6, 0.0)
    )
    later = torch.full_like(latents, -0.4), torch.tensor(1)
    ratio = log_likelihood_ratio(SCHEDULER, latents, torch.tensor(2), later, (named, empty)).item()
    assert ratio > 0.1  # the step is rather the name's
    assert drawn.predicted[1] == pytest.approx([0.0, 1 - 0.25 * math.exp(ratio) * 0.6], rel=1e-5)


def test_a_step_towards_the_name_makes_it_stronger_and_one_away_weaker_up_to_the_largest() -> None:
    towards = Drawn("dng[prior=0.2,most=50]", 0.6, (0.5, -0.9), (2, 1)).predicted[1][1]
    away = Drawn("dng[prior=0.2,most=50]", 0.6, (0.5, 0.9), (2, 1)).predicted[1][1]
    assert towards < 1 - 0.25 * 0.6 < away < 1
    assert Drawn("dng[prior=0.9,most=1]", 0.6, (0.5, -0.9), (2, 1)).predicted[1] == pytest.approx([0, 0.4])
    cool = Drawn("dng[prior=0.2,most=50]", 0.6, (0.5, -0.4), (2, 1))
    warm = Drawn("dng[prior=0.2,most=50,temperature=4]", 0.6, (0.5, -0.4), (2, 1))
    odds = [float(d.memory["path"].log_odds) - math.log(0.25) for d in (cool, warm)]
    assert odds[1] == pytest.approx(odds[0] / 4)


def test_a_sampler_that_asks_twice_at_one_time_learns_nothing_the_second_time() -> None:
    assert Drawn("dng", 0.6, (0.5, -0.9), (2, 2)).predicted[1] == pytest.approx(
        Drawn("dng", 0.6, (0.5, 0.5), (2, 2)).predicted[0]
    )


@pytest.mark.parametrize("name", ["menagerie", "sd", "sdxl"])
def test_it_changes_pictures_and_each_draw_begins_anew(name: str, tiny_models: Any) -> None:
    torch.set_num_threads(1)
    card = card_of(name, tiny_models)
    with load_generator(card, "cpu") as generator:

        def draw(spec: str) -> list[bytes]:
            made = [request_of(card, spec, seed) for seed in (1, 2)]
            found = generator.generate([r for r, _ in made], denoise=made[0][1].denoiser(made[0][0]))
            assert [o.error for o in found] == [None, None]
            return [o.image.tobytes() for o in found if o.image]

        guarded = draw("dng[prior=0.5]")
        assert guarded != draw("none")
        assert guarded == draw("dng[prior=0.5]")


def test_where_it_cannot_act_it_is_refused(tiny_models: Any, tmp_path: Path) -> None:
    run = tiny_models.config(tmp_path / "run", mitigations=("dng",), guidance=1.0)
    with pytest.raises(UserError, match="so dng cannot act"):
        check_offered(run)
    request, composition = request_of(card_of("menagerie"), "dng", 1)
    hook = composition.denoiser(request)
    assert hook is not None
    step = DenoiseStep(torch.zeros(2, 1), 1, (request,) * 2, {}, lambda s: s.latents,
                       scheduler=SimpleNamespace())  # fmt: skip
    with pytest.raises(UserError, match="flow-matching models are not"):
        hook(step)
