"""Step caches, weights in eight bits, slices and tiles: what they change, and who cannot have them."""

from __future__ import annotations

import functools
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from copycat.cards.hooks import WeightEdit
from copycat.cards.models import ModelCard, load_card
from copycat.cards.shortcuts import StepCache
from copycat.errors import BadFile, UserError
from copycat.generators.base import Generator, load_generator
from copycat.generators.shortcuts import decoding
from copycat.records import Request
from copycat.resolve import resolve_settings
from copycat.stages.plan import check_offered
from tests.helpers import edits, tiny_pipelines
from tests.helpers.tiny_pipelines import Build, shrunk


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("pipelines")
    return functools.cache(lambda pipeline: tiny_pipelines.build(pipeline, root / pipeline))


@pytest.fixture
def flux(build: Build) -> ModelCard:
    """FLUX in eight steps, in batches of two."""
    card = shrunk(load_card("flux1-dev"), build)
    sampling = card.sampling.model_copy(update={"steps": 8})
    return card.model_copy(update={"sampling": sampling, "batch_size": 2})


def changed(card: ModelCard, **changes: Any) -> ModelCard:
    return ModelCard.model_validate({**card.model_dump(exclude_unset=True), **changes})


def pixels(generator: Generator, card: ModelCard) -> list[bytes]:
    asked = [
        Request(
            model="m", character="zori", prompt_set="name", run_seed=0, seed=seed, mitigation="m",
            source_prompt="zori", prompt="zori the owl", sampling=card.sampling,
        )
        for seed in (1, 2)
    ]  # fmt: skip
    outcomes = generator.generate(asked)
    assert [o.error for o in outcomes] == [None, None]
    return [o.image.tobytes() for o in outcomes]


def attended(generator: Generator) -> list[int]:
    """Grows with each attention that is computed, in any block of the denoiser."""
    calls: list[int] = []
    for name, part in generator._pipeline.transformer.named_modules():
        if name.endswith(".to_q"):
            part.register_forward_pre_hook(lambda *_: calls.append(1))
    return calls


@pytest.mark.parametrize(
    "cache",
    [
        {"kind": "first-block", "options": {"threshold": 5.0}},
        {
            "kind": "pyramid",
            "options": {
                "spatial_attention_block_skip_range": 2,
                "spatial_attention_timestep_skip_range": [0, 1001],
            },
        },
        {"kind": "taylor-seer", "options": {"cache_interval": 3, "disable_cache_before_step": 2}},
    ],
)
def test_a_step_cache_computes_less_is_told_in_the_identity_and_begins_anew(
    flux: ModelCard, cache: dict[str, Any]
) -> None:
    card = changed(flux, step_cache=cache)
    assert card.identity() not in {flux.identity(), changed(flux, step_cache={"kind": "faster"}).identity()}
    with load_generator(flux, "cpu") as plain:
        all_ = attended(plain)
        expected = pixels(plain, flux)
    with load_generator(card, "cpu") as generator:
        computed = attended(generator)
        first = pixels(generator, card)
        assert 0 < len(computed) < len(all_)
        assert first != expected
        assert pixels(generator, card) == first, "a batch does not see the steps of the one before"


def test_weights_in_eight_bits_take_less_memory_and_draw(flux: ModelCard) -> None:
    card = changed(flux, storage="float8_e4m3fn")
    assert card.identity() != flux.identity()

    def weights(generator: Generator) -> int:
        return sum(p.numel() * p.element_size() for p in generator._pipeline.transformer.parameters())

    with load_generator(flux, "cpu") as plain, load_generator(card, "cpu") as small:
        kinds = {p.dtype for p in small._pipeline.transformer.parameters()}
        assert torch.float8_e4m3fn in kinds
        assert weights(small) < 0.65 * weights(plain)
        assert pixels(small, card) != pixels(plain, flux)
        assert pixels(small, card) == pixels(small, card)


def test_slices_keep_the_pixels_and_tiles_are_told_in_the_identity(flux: ModelCard) -> None:
    sliced, tiled = (changed(flux, decoding=way) for way in ("sliced", "tiled"))
    assert sliced.identity() == flux.identity() != tiled.identity()
    drawn: dict[str, list[bytes]] = {}
    calls: dict[str, list[int]] = {}
    for card in (flux, sliced, tiled):
        with load_generator(card, "cpu") as generator:
            vae = generator._pipeline.vae
            vae.tile_latent_min_size, vae.tile_sample_min_size = 4, 8
            rows = calls.setdefault(card.decoding, [])
            vae.decoder.register_forward_pre_hook(lambda _, args, rows=rows: rows.append(len(args[0])))
            drawn[card.decoding] = pixels(generator, card)
    assert drawn["sliced"] == drawn["whole"] != drawn["tiled"]
    assert calls["whole"] == [2]
    assert calls["sliced"] == [1, 1]
    assert len(calls["tiled"]) > 2
    assert set(calls["tiled"]) == {1}


def test_auto_slices_on_a_gpu_alone() -> None:
    assert [decoding("auto", d) for d in ("cpu", "cuda:1", "mps")] == ["whole", "sliced", "sliced"]
    assert decoding("tiled", "cpu") == "tiled"


@pytest.mark.parametrize(
    ("name", "changes", "why"),
    [
        ("sdxl", {"step_cache": {"kind": "first-block"}}, "UNet2DConditionModel has none"),
        ("flux1-dev", {"step_cache": {"kind": "first-block", "options": {"x": 1}}}, "options are threshold"),
        ("deepfloyd-if", {"stages": (), "decoding": "tiled", "kind": "diffusers-image"}, "no autoencoder"),
    ],
)
def test_what_a_pipeline_cannot_do_is_refused(
    name: str, changes: dict[str, Any], why: str, build: Build
) -> None:
    card = shrunk(load_card(name), build)
    with pytest.raises(BadFile, match=why):
        load_generator(changed(card, **changes), "cpu")


def test_a_card_says_what_does_not_go_together(flux: ModelCard) -> None:
    with pytest.raises(ValidationError, match="choose one of them"):
        changed(flux, compile=True, step_cache={"kind": "first-block"})
    with pytest.raises(ValidationError, match="several pipelines in a row"):
        changed(load_card("deepfloyd-if"), step_cache={"kind": "first-block"})
    with pytest.raises(ValidationError, match="is set by copycat itself"):
        StepCache(kind="pyramid", options={"current_timestep_callback": 3})


class _Seen(WeightEdit):
    """Changes nothing, and notes what it is computed from."""

    def make(self, pipeline: Any, folder: Path, card: ModelCard) -> None:
        kinds = {p.dtype for p in pipeline.transformer.parameters()}
        FOUND.append((kinds, pipeline.transformer.is_cache_enabled))

    def apply(self, pipeline: Any, folder: Path) -> None: ...


FOUND: list[tuple[set[torch.dtype], bool]] = []
"""In what precision the weights were that an edit was computed from, and whether there was a step cache."""


def test_weight_edits_are_computed_without_shortcuts_and_in_full_precision(
    flux: ModelCard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COPYCAT_CACHE", str(tmp_path))
    FOUND.clear()
    card = changed(flux, dtype="bfloat16", storage="float8_e4m3fn", step_cache={"kind": "first-block"})
    with load_generator(card, "cpu", [_Seen("seen-1", {}, card.identity())]) as generator:
        transformer = generator._pipeline.transformer
        assert transformer.is_cache_enabled
        assert torch.float8_e4m3fn in {p.dtype for p in transformer.parameters()}
    (found,) = FOUND
    assert found == ({torch.float32}, False)


def test_a_guardrail_in_each_step_is_refused_before_a_run_where_steps_are_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edits.install(monkeypatch)
    run = resolve_settings(limit=1, seeds=(0,), mitigations=("none", "test-push"), out=tmp_path / "run")
    check_offered(run)
    skipping = run.card.model_copy(update={"step_cache": StepCache(kind="first-block")})
    with pytest.raises(UserError, match=r"skips steps \(first-block\), so a guardrail \(test-push\)"):
        check_offered(replace(run, card=skipping))
