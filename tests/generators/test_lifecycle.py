"""Every pipeline class in the catalogue, tiny: what is closed is gone, and its denoiser can be wrapped."""

from __future__ import annotations

import functools
import weakref
from typing import Any

import pytest
import torch

from copycat.cards.hooks import DenoiseStep
from copycat.cards.models import ModelCard, load_card, names
from copycat.diffusion.denoising import DENOISERS
from copycat.generators.base import Generator, load_generator
from copycat.io.lifecycle import Closing
from copycat.records import Request
from tests.helpers import tiny_pipelines
from tests.helpers.tiny_pipelines import shrunk
from tests.helpers.tiny_video import VIDEOS, video_card

IMAGES = {
    card.pipeline: card.name
    for card in map(load_card, reversed(names()))
    if card.kind in {"diffusers-image", "diffusers-cascade"}
}
"""One card of each class."""


@pytest.fixture(scope="module", params=[*IMAGES, *VIDEOS])
def card(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ModelCard:
    torch.set_num_threads(1)
    tmp_path = tmp_path_factory.mktemp(request.param)
    if request.param in VIDEOS:
        return video_card(request.param, tmp_path / "model")
    build = functools.cache(lambda pipeline: tiny_pipelines.build(pipeline, tmp_path / pipeline))
    return shrunk(load_card(IMAGES[request.param]), build)


def requests(card: ModelCard) -> list[Request]:
    """Two pictures."""
    return [
        Request(
            model="m", character="zori", prompt_set="name", run_seed=0, seed=seed, mitigation="m",
            source_prompt="zori", prompt="zori", sampling=card.sampling,
        )
        for seed in (1, 2)
    ]  # fmt: skip


def pipelines(generator: Generator) -> list[Any]:
    """Those of a cascade, or the only one."""
    if hasattr(generator, "_first"):
        return [generator._first, *(p for _, p in generator._later)]
    return [generator._pipeline]


def modules(generator: Generator) -> list[weakref.ref[torch.nn.Module]]:
    """Every part with weights, a denoiser for each pipeline among them."""
    all_ = pipelines(generator)
    assert len([n for p in all_ for n in DENOISERS if getattr(p, n, None) is not None]) == len(all_)
    parts = [part for p in all_ for part in p.components.values()]
    return [weakref.ref(part) for part in parts if isinstance(part, torch.nn.Module)]


def test_what_is_closed_is_gone_with_parts_in_main_memory(card: ModelCard) -> None:
    """The processor stands for the GPU: components move in and out."""
    with load_generator(card, "cpu") as generator:
        for pipeline in pipelines(generator):
            pipeline.enable_model_cpu_offload(device="cpu")
        del pipeline
        assert generator.generate(requests(card)[:1])[0].error is None
        held = modules(generator)
        assert None not in [ref() for ref in held]
    assert {ref() for ref in held} == {None}
    assert generator.identity == card.identity()
    generator.close()


def test_its_denoiser_can_be_wrapped_and_what_is_closed_is_gone(card: ModelCard) -> None:
    rows: set[int] = set()

    def halved(step: DenoiseStep) -> torch.Tensor:
        rows.add(len(step.latents))
        assert [r.seed for r in step.requests] == [1, 2] * (len(step.latents) // 2)
        return step.predict() * 0.5

    card = card.model_copy(update={"batch_size": 2})
    asked = requests(card)
    with load_generator(card, "cpu") as generator:
        plain, same, changed = (
            generator.generate(asked, denoise=hook) for hook in (None, lambda step: step.predict(), halved)
        )
        again = generator.generate(asked)
        held = modules(generator)
    assert {o.error for o in (*plain, *same, *changed)} == {None}
    assert pixels(same) == pixels(again) == pixels(plain)
    assert pixels(changed) != pixels(plain)
    assert rows <= {2, 4}
    assert {ref() for ref in held} == {None}


def pixels(outcomes: Any) -> list[list[bytes]]:
    return [[image.tobytes() for image in (o.frames or [o.image])] for o in outcomes]


def test_closing_reaches_what_is_inside_and_may_be_repeated() -> None:
    class Inner(Closing):
        closed = 0

        def close(self) -> None:
            self.closed += 1

    class Outer(Closing):
        def __init__(self, *inner: Inner) -> None:
            self.identity = "outer@1"
            self._first, self._others = inner[0], [("name", one) for one in inner[1:]]

    parts = [Inner(), Inner(), Inner()]
    outer = Outer(*parts)
    with pytest.raises(KeyError), outer:
        raise KeyError
    outer.close()
    assert [p.closed for p in parts] == [1, 1, 1]
    assert vars(outer) == {"identity": "outer@1"}
