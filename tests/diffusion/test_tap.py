"""What the tap says a denoiser is given is what the pipeline gives it."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from copycat.cards.hooks import DenoiseStep
from copycat.cards.models import ModelCard, load_card
from copycat.diffusion.denoising import denoising
from copycat.diffusion.tap import Call, Tap, joined, predict
from copycat.diffusion.tokens import token_embeddings
from copycat.errors import UserError
from copycat.generators.pipelines import load_pipeline
from tests.helpers import tiny_pipelines


@pytest.fixture(scope="module", params=["sd", "sdxl", "PixArtAlphaPipeline", "StableDiffusion3Pipeline"])
def model(
    request: pytest.FixtureRequest, tiny_models: Any, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Any, ModelCard]:
    name = request.param
    torch.set_num_threads(1)
    folder = getattr(tiny_models, name, None) or tiny_pipelines.build(name, tmp_path_factory.mktemp(name))
    card = load_card(str(folder))
    call = {"use_resolution_binning": False} if name.startswith("PixArt") else {}
    card = card.model_copy(update={"call": {**card.call, **call}})
    return load_pipeline(card, "cpu"), card


def _draw(pipeline: Any, card: ModelCard, prompt: str, steps: int) -> torch.Tensor:
    size = {"height": card.sampling.height, "width": card.sampling.width, "output_type": "latent"}
    noise = [torch.Generator().manual_seed(5)]
    given = {**size, **card.call, "guidance_scale": 3.0, "generator": noise}
    found: torch.Tensor = pipeline([prompt], num_inference_steps=steps, **given).images
    return found


def _seen(pipeline: Any, card: ModelCard, prompt: str, steps: int) -> list[DenoiseStep]:
    found: list[DenoiseStep] = []

    def look(step: DenoiseStep) -> torch.Tensor:
        found.append(step)
        return step.predict()

    with denoising(pipeline, (), look):
        _draw(pipeline, card, prompt, steps)
    return found


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return all(_same(a[k], b[k]) for k in a)
    return torch.allclose(a, b, atol=1e-5) if isinstance(a, torch.Tensor) else bool(a == b)


def test_it_stops_at_the_step_with_what_the_pipeline_gives(model: tuple[Any, ModelCard]) -> None:
    pipeline, card = model
    steps = _seen(pipeline, card, "zori the owl", 3)
    call = Tap(pipeline, card, steps=3, guidance=3.0).noisy(["zori the owl"], 2, [5])
    last = steps[-1]
    assert torch.allclose(call.latents, last.latents[-1:], atol=1e-5)
    assert float(torch.as_tensor(call.timestep).flatten()[0]) == float(
        torch.as_tensor(last.timestep).flatten()[0]
    )
    rows = len(last.latents)
    prompted = {
        k: v[rows - 1 :] if isinstance(v, torch.Tensor) and v.dim() and len(v) == rows else v
        for k, v in last.arguments.items()
        if not isinstance(v, dict)
    }
    assert _same(prompted, {k: call.arguments[k] for k in prompted})


def test_predictions_are_the_pipelines(model: tuple[Any, ModelCard]) -> None:
    pipeline, card = model
    tap = Tap(pipeline, card, steps=2)
    call = tap.noisy(["zori"], 1, [5])
    with torch.no_grad():
        found = predict(tap.denoiser, call.of(tap.arguments(["an owl"])))
    assert found.shape == call.latents.shape
    assert torch.isfinite(found).all()
    with torch.no_grad():
        assert not torch.equal(found, predict(tap.denoiser, call))


def test_a_path_is_every_step_at_once(model: tuple[Any, ModelCard]) -> None:
    pipeline, card = model
    tap = Tap(pipeline, card, steps=3, guidance=3.0)
    path = tap.path(["zori", "an owl"], [5, 6])
    assert len(path) == 3
    for step, found in enumerate(path):
        wanted = tap.noisy(["zori", "an owl"], step, [5, 6])
        assert torch.equal(found.latents, wanted.latents)
        assert _same(found.timestep, wanted.timestep)
        assert _same(dict(found.arguments), dict(wanted.arguments))


def test_calls_of_single_prompts_are_those_of_several(model: tuple[Any, ModelCard]) -> None:
    pipeline, card = model
    tap = Tap(pipeline, card, steps=2)
    both = tap.noisy(["zori", "an owl"], 1, [5, 6])
    again = joined([both.rows(slice(0, 1)), both.rows(slice(1, 2))])
    assert torch.equal(again.latents, both.latents)
    assert _same(dict(again.arguments), dict(both.arguments))
    with torch.no_grad():
        found, single = predict(tap.denoiser, both), predict(tap.denoiser, both.rows(slice(1, 2)))
    assert torch.allclose(found[1:], single, atol=1e-5)


def test_texts_of_several_lengths_are_refused_together() -> None:
    calls = [Call(torch.zeros(1, 2), 0, {"text": torch.zeros(1, n)}) for n in (3, 4)]
    with pytest.raises(UserError, match="several lengths"):
        joined(calls)


def test_each_text_gets_a_vector_of_its_own(model: tuple[Any, ModelCard]) -> None:
    pipeline, card = model
    tap = Tap(pipeline, card, steps=2)
    width = pipeline.text_encoder.get_input_embeddings().weight.shape[1]
    vectors = torch.randn(2, width, generator=torch.Generator().manual_seed(0))
    with token_embeddings(pipeline, {"text_encoder": {"owl": vectors}}):
        both = tap.arguments(["owl zori", "owl zori"])
    with token_embeddings(pipeline, {"text_encoder": {"owl": vectors[1]}}):
        second = tap.arguments(["owl zori"])
    with torch.no_grad():
        found, wanted = predict(tap.denoiser, both), predict(tap.denoiser, second)
    assert torch.allclose(found[1:], wanted, atol=1e-4)
    assert not torch.allclose(found[:1], wanted, atol=1e-4)


def test_gradients_reach_the_text_encoder_and_vectors_in_place_of_tokens(
    model: tuple[Any, ModelCard],
) -> None:
    pipeline, card = model
    tap = Tap(pipeline, card, steps=2)
    encoder = pipeline.text_encoder
    width = encoder.get_input_embeddings().weight.shape[1]
    vector = torch.zeros(width, requires_grad=True)
    at = tap.noisy(["zori"], 0, [1])
    with token_embeddings(pipeline, {"text_encoder": {"owl": vector}}):
        said = tap.arguments(["owl zori"], gradients=True)
    loss = predict(tap.denoiser, Call(at.latents, at.timestep, said.arguments)).square().mean()
    assert vector.grad is None
    loss.backward()
    assert vector.grad is not None
    assert vector.grad.abs().sum() > 0


def test_the_pipeline_draws_as_before(model: tuple[Any, ModelCard]) -> None:
    pipeline, card = model
    before = _draw(pipeline, card, "zori", 2)
    Tap(pipeline, card, steps=4).noisy(["an owl"], 2, [1])
    assert torch.equal(before, _draw(pipeline, card, "zori", 2))
