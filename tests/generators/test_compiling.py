"""Compiling: blocks that repeat, once, for batches of one size; traced for real, without machine code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from copycat.cards.models import load_card
from copycat.errors import MissingRequirement
from copycat.generators import compiling
from copycat.generators.base import load_generator
from copycat.generators.compiling import compile_denoiser, has_repeated_blocks
from copycat.generators.pipelines import load_pipeline
from copycat.records import Request
from copycat.resolve import ResolvedRun
from copycat.stages.plan import plan
from tests.helpers import tiny_pipelines
from tests.helpers.tiny_pipelines import shrunk

Config = Callable[..., ResolvedRun]


@pytest.fixture(autouse=True)
def fresh() -> None:
    torch._dynamo.reset()


@pytest.fixture
def graphs(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was compiled, in order; it runs as it was traced."""
    found: list[Any] = []

    def backend(graph: Any, inputs: Any) -> Any:
        found.append(graph)
        return graph.forward

    monkeypatch.setattr(compiling, "BACKEND", backend)
    return found


def asked(config: Config, pictures: int) -> list[Request]:
    requests = plan(config(mitigations=("none",), steps=2))
    return [r.model_copy(update={"seed": i}) for i, r in enumerate(requests[:pictures])]


def test_a_smaller_batch_is_filled_up_so_that_nothing_is_compiled_anew(
    config: Config, tiny_models: Any, graphs: list[Any]
) -> None:
    card = load_card(str(tiny_models.sd)).model_copy(update={"batch_size": 3})
    requests = asked(config, 5)
    with load_generator(card.model_copy(update={"compile": True}), "cpu") as generator:
        first = generator.generate(requests[:3])
        once = len(graphs)
        assert once
        last = generator.generate(requests[3:])
        assert len(graphs) == once
    with load_generator(card, "cpu") as plain:
        expected = plain.generate(requests[:3]) + plain.generate([*requests[3:], requests[4]])[:2]
    assert [o.image.tobytes() for o in (*first, *last)] == [o.image.tobytes() for o in expected]


def test_a_batch_that_is_less_than_half_full_is_drawn_uncompiled_and_compiles_nothing_anew(
    config: Config, tiny_models: Any, graphs: list[Any]
) -> None:
    card = load_card(str(tiny_models.sd)).model_copy(update={"batch_size": 3})
    requests = asked(config, 4)
    with load_generator(card.model_copy(update={"compile": True}), "cpu") as generator:
        generator.generate(requests[:3])
        once = len(graphs)
        seen: list[int] = []
        unet = generator._pipeline.unet
        unet.register_forward_pre_hook(lambda _, args: seen.append(len(args[0]) // 2))
        (last,) = generator.generate(requests[3:])
        assert set(seen) == {1}
        assert len(graphs) == once
    with load_generator(card, "cpu") as plain:
        assert plain.generate(requests[3:])[0].image.tobytes() == last.image.tobytes()


def test_what_cannot_be_compiled_ends_the_run_with_what_to_do(
    config: Config, tiny_models: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_compiler(graph: Any, inputs: Any) -> Any:
        raise RuntimeError("no C++ compiler was found")

    monkeypatch.setattr(compiling, "BACKEND", without_compiler)
    card = load_card(str(tiny_models.sd)).model_copy(update={"compile": True, "batch_size": 1})
    with (
        load_generator(card, "cpu") as generator,
        pytest.raises(MissingRequirement, match=r"cannot be compiled here \(.*--no-compile"),
    ):
        generator.generate(asked(config, 1))


@pytest.mark.parametrize(
    ("name", "blocks"),
    [
        ("flux1-dev", {"FluxTransformerBlock", "FluxSingleTransformerBlock"}),
        ("sdxl", {"BasicTransformerBlock"}),
        ("pixart-alpha", {"PixArtTransformer2DModel"}),
    ],
)
def test_repeated_blocks_are_compiled_and_a_denoiser_without_them_whole(
    name: str, blocks: set[str], tmp_path: Path
) -> None:
    card = shrunk(load_card(name), lambda pipeline: tiny_pipelines.build(pipeline, tmp_path / pipeline))
    pipeline = load_pipeline(card, "cpu")
    denoiser = getattr(pipeline, "unet", None) or pipeline.transformer
    compile_denoiser(pipeline)
    compiled = {type(m).__name__ for m in denoiser.modules() if m._compiled_call_impl is not None}
    assert compiled == blocks
    assert has_repeated_blocks(denoiser) == (blocks != {type(denoiser).__name__})
