"""Where a pipeline is put, and what is said when it cannot be had."""

from __future__ import annotations

import pytest
import torch

from copycat.cards.models import load_card
from copycat.errors import BadFile, MissingRequirement
from copycat.generators.base import load_generator
from copycat.generators.pipelines import _place, load_pipeline
from copycat.io.loading import check_packages
from copycat.runtime.device import resolve_device
from copycat.stages.plan import plan


@pytest.fixture
def card(tiny_models):
    return load_card(str(tiny_models.sd))


@pytest.mark.parametrize(
    ("device", "offload", "expected"),
    [
        ("cuda:1", "none", ("to", "cuda:1")),
        ("cuda:1", "model", ("model", "cuda:1")),
        ("cuda:1", "sequential", ("sequential", "cuda:1")),
        ("cpu", "model", ("to", "cpu")),
    ],
)
def test_offloading_follows_the_card(monkeypatch, card, device, offload, expected):
    pipeline, called = load_pipeline(card, "cpu"), []
    monkeypatch.setattr(pipeline, "to", lambda d: called.append(("to", d)) or pipeline)
    for way in ("model", "sequential"):
        monkeypatch.setattr(
            pipeline, f"enable_{way}_cpu_offload", lambda device, way=way: called.append((way, device))
        )
    assert _place(pipeline, device, offload) is pipeline
    assert called == [expected]


def test_compiling_is_opt_in_and_draws_the_same(config, card):
    requests = plan(config(mitigations=("none",)))[:1]
    plain, compiled = (load_generator(card.model_copy(update={"compile": c}), "cpu") for c in (False, True))
    assert not [m for m in plain._pipeline.unet.modules() if m._compiled_call_impl]
    assert [m for m in compiled._pipeline.unet.modules() if m._compiled_call_impl]
    assert plain.identity != compiled.identity, "what is compiled rounds differently"
    with torch.compiler.set_stance("force_eager"):  # a real compilation takes minutes
        [a], [b] = plain.generate(requests), compiled.generate(requests)
    assert a.image.tobytes() == b.image.tobytes()


def test_a_gpu_that_is_too_small_is_one_line_with_the_ways_out(monkeypatch):
    class Small:
        total_memory = 24e9

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: Small)
    flux = load_card("flux1-dev")
    with pytest.raises(MissingRequirement, match=r"36 GB and cuda has 24 GB; .*--offload sequential needs 6"):
        resolve_device("auto", flux.title, flux.min_gpu_gb, flux.lighter())
    assert resolve_device("auto", flux.title, flux.gb_with("sequential")) == "cuda"


def test_the_offload_option_changes_what_is_needed(config):
    given = {
        "model": "flux1-dev", "judge": "qwen2.5-vl-7b", "registry": "copycat", "prompts": ("name",),
        "mitigations": ("none",),
    }  # fmt: skip
    plain, asked = config(**given), config(**given, offload="sequential")
    assert (plain.card.offload, plain.card.min_gpu_gb) == ("none", 36)
    assert (asked.card.offload, asked.card.min_gpu_gb) == ("sequential", 6)
    assert plain.config.digest == asked.config.digest, "where a picture is computed does not make another run"


def test_a_missing_package_is_named_with_its_command():
    check_packages(["torch"], "It")
    with pytest.raises(MissingRequirement, match=r"It needs no-such-thing; install with `.*install no-such"):
        check_packages(["torch", "no-such-thing"], "It")


def test_an_argument_that_the_pipeline_does_not_take_is_refused(card):
    with pytest.raises(BadFile, match="passes clean_caption, which StableDiffusionPipeline does not take"):
        load_generator(card.model_copy(update={"call": {"clean_caption": True}}), "cpu")
    with pytest.raises(BadFile, match="passes true_cfg_scale"):
        load_generator(card.model_copy(update={"guidance_argument": "true_cfg_scale"}), "cpu")
