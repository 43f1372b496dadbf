"""Circumventing concept erasure: a learnt token, on tiny pipelines of the SD and SDXL classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from copycat.attacks.soft import SoftSearch
from copycat.attacks.soft_prompt import SoftPrompt, SoftPromptOptions
from copycat.cards.models import load_card
from copycat.diffusion.tap import Tap
from copycat.diffusion.tokens import gradients_off
from copycat.errors import UserError
from copycat.generators.pipelines import noise
from tests.attacks.test_udatk import Open
from tests.conftest import Tiny
from tests.helpers import tiny_pipelines


@pytest.fixture(params=["sd", "sdxl"])
def victim(request: pytest.FixtureRequest, tiny_models: Tiny) -> Open:
    torch.set_num_threads(1)
    return Open(str(getattr(tiny_models, request.param)))


def _search(victim: Open, **given: Any) -> SoftSearch:
    return SoftSearch(victim, **{"tokens": 2, "pictures": 2, "lr": 0.05, "seed": 0, **given})


def test_the_tokens_stand_in_the_name_s_place_or_before_the_prompt(victim: Open) -> None:
    search = _search(victim)
    first, second = search._places
    assert search.prompt == f"{first} {second} the owl with red cape"
    assert not {"zori", "owl", "the"} & set(search._places)
    victim.request = victim.request.model_copy(update={"source_prompt": "a frog"})
    assert _search(victim).prompt.endswith(" a frog")


def test_it_learns_from_pictures_of_the_original_of_which_the_first_has_the_run_s_noise(victim: Open) -> None:
    search, request = _search(victim, pictures=3), victim.request
    assert len(search._inversion.latents) == 3
    sampling = request.sampling
    tap = Tap(victim.original, victim.card, steps=sampling.steps, guidance=sampling.guidance)
    drawn = tap.latents([request.source_prompt], noise([request.seed]))
    assert torch.equal(search._inversion.latents[:1], drawn)
    assert not torch.equal(search._inversion.latents[1], search._inversion.latents[2])


def test_the_vectors_begin_at_the_generic_words(victim: Open) -> None:
    search = _search(victim)
    for encoder, vectors in search._vectors.items():
        table = getattr(victim.pipeline, encoder).get_input_embeddings().weight
        an, owl = victim.pipeline.tokenizer.encode("an owl", add_special_tokens=False)
        assert torch.allclose(vectors[0], (table[an] + table[owl]) / 2)
        assert torch.equal(vectors[0], vectors[1])


def test_the_gradient_is_that_of_the_error_in_the_vectors(victim: Open) -> None:
    search = _search(victim)
    encoder = search._encoders[0]
    start = search._vectors[encoder].detach().clone()
    way = torch.randn(start.shape, generator=torch.Generator().manual_seed(1))

    def error(step: float) -> torch.Tensor:
        search._inversion.chance.manual_seed(5)
        search._vectors[encoder] = (start + step * way).requires_grad_(True)
        return search._error()

    with gradients_off(victim.pipeline):
        (gradient,) = torch.autograd.grad(error(0.0), [search._vectors[encoder]])
        slope = (error(1e-2) - error(-1e-2)).item() / 2e-2
    assert slope == pytest.approx((gradient * way).sum().item(), rel=0.05, abs=1e-4)


def test_it_goes_down_and_leaves_the_model_as_it_was(victim: Open) -> None:
    search = _search(victim)

    def error() -> float:
        """Of always the same noise at always the same level."""
        search._inversion.chance.manual_seed(3)
        with torch.no_grad():
            return search._error().item()

    weights = {n: p.clone() for n, p in victim.pipeline.unet.named_parameters()}
    start = error()
    for _ in range(60):
        search._inversion.chance.manual_seed(3)
        found = search.descend(1)
    assert error() < start
    assert victim.tally.steps == 60
    assert all(torch.equal(p, weights[n]) for n, p in victim.pipeline.unet.named_parameters())
    assert {p.requires_grad for p in victim.pipeline.unet.parameters()} == {True}
    assert set(found.tokens) == set(search._encoders)
    assert all(list(vectors) == search._places for vectors in found.tokens.values())
    learnt = [v for vectors in found.tokens.values() for v in vectors.values()]
    assert not any(v.requires_grad for v in learnt)


def test_what_was_handed_out_does_not_change_when_it_learns_on(victim: Open) -> None:
    search = _search(victim)
    first = search.descend(2)
    before = first.sha
    second = search.descend(2)
    assert first.sha == before != second.sha


def test_attempts_come_after_each_part_and_are_the_same_each_time(victim: Open) -> None:
    def made(seed: int) -> list[str]:
        options = SoftPromptOptions(steps=5, rounds=2, pictures=1, seed=seed, lr=0.05)
        attempts = list(SoftPrompt(options).attempts(victim))
        assert {a.prompt for a in attempts} == {attempts[0].prompt}
        return [a.conditioning.sha for a in attempts if a.conditioning]

    found = made(0)
    assert len(found) == len(set(found)) == 2
    assert victim.tally.steps == 5
    assert found == made(0)
    assert found != made(1)


def test_what_cannot_be_learnt_on_is_refused(tmp_path: Path) -> None:
    victim = Open(str(tiny_pipelines.build("StableDiffusion3Pipeline", tmp_path / "sd3")))
    with pytest.raises(UserError, match="flow matching; use an attack on the prompt alone"):
        _search(victim)
    with pytest.raises(UserError, match="makes videos"):
        SoftPrompt(SoftPromptOptions()).check(load_card("menagerie-video"))
