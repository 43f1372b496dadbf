"""Every shipped image card, with tiny weights of its own pipeline classes, through its own generator."""

from __future__ import annotations

import functools
from typing import Any

import pytest
from transformers import PreTrainedTokenizerBase

from copycat.cards.models import load_card, names
from copycat.errors import UserError
from copycat.generators.base import load_generator
from copycat.generators.pipelines import noise
from copycat.records import Request, Sampling
from copycat.stages.plan import refuse_idle_negatives
from tests.helpers import tiny_pipelines
from tests.helpers.tiny_pipelines import Build, shrunk

LOCAL = [n for n in names() if load_card(n).kind in {"diffusers-image", "diffusers-cascade"}]


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """The folder of a tiny pipeline of a class, built once."""
    import torch

    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("pipelines")
    return functools.cache(lambda pipeline: tiny_pipelines.build(pipeline, root / pipeline))


def request(sampling: Sampling, negative: str = "", seed: int = 1, prompt: str = "zori the owl") -> Request:
    return Request(
        model="m", character="zori", prompt_set="name", run_seed=0, seed=seed, mitigation="negprompt",
        source_prompt="zori", prompt=prompt, negative=negative, sampling=sampling,
    )  # fmt: skip


@pytest.mark.parametrize("name", LOCAL)
def test_the_card_draws_and_its_negative_prompt_acts_or_is_refused(name: str, build: Build) -> None:
    card = shrunk(load_card(name), build)
    generator = load_generator(card, "cpu")
    asked = [request(card.sampling), request(card.sampling, seed=2), request(card.sampling, prompt="a frog")]
    drawn = generator.generate(asked)
    assert [o.error for o in drawn] == [None] * 3
    assert {o.image.size for o in drawn} == {(card.sampling.width, card.sampling.height)}
    assert len({o.image.tobytes() for o in drawn}) == 3, "noise and prompt both decide the picture"
    assert [o.image.tobytes() for o in generator.generate(asked)] == [o.image.tobytes() for o in drawn]
    [steered] = generator.generate([request(card.sampling, "a cape, an owl")])
    [alone] = generator.generate([request(card.sampling)])
    assert steered.error is None
    if card.negative_prompt:
        assert steered.image.tobytes() != alone.image.tobytes()
        return
    assert steered.image.tobytes() == alone.image.tobytes()
    with pytest.raises(UserError, match=r"takes no negative prompt \(.*such as rewrite"):
        refuse_idle_negatives(card, [request(card.sampling, "a cape")])


@pytest.mark.parametrize(
    "name", ["sdxl", "z-image", "qwen-image", "flux1-dev@true-cfg", "flux2-klein-base-4b"]
)
def test_without_guidance_a_negative_prompt_does_nothing_and_is_refused(name: str, build: Build) -> None:
    card = shrunk(load_card(name), build)
    off = card.sampling.model_copy(update={"guidance": card.guidance_off})
    generator = load_generator(card, "cpu")
    plain, steered = (generator.generate([request(off, n)])[0] for n in ("", "a cape, an owl"))
    assert plain.image.tobytes() == steered.image.tobytes()
    with pytest.raises(UserError, match="without classifier-free guidance"):
        refuse_idle_negatives(card, [request(off, "a cape")])


@pytest.mark.parametrize("name", ["qwen-image", "flux1-dev@true-cfg"])
def test_a_baseline_is_guided_as_the_mitigated_run_is(name: str, build: Build) -> None:
    """Else a negative prompt would switch guidance on, and the two runs would differ in more than it."""
    card = shrunk(load_card(name), build)
    guided, unguided = (
        load_generator(c, "cpu").generate([request(card.sampling)])[0]
        for c in (card, card.model_copy(update={"empty_negative": None}))
    )
    assert guided.image.tobytes() != unguided.image.tobytes()


def test_none_and_negprompt_differ_in_words_alone(build: Build) -> None:
    """This class puts zeros in the place of no negative prompt, unless it is sent an empty text."""
    card = shrunk(load_card("sdxl"), build)
    assert card.model_copy(update={"empty_negative": None}).identity() != card.identity()
    generator = load_generator(card, "cpu")
    [drawn] = generator.generate([request(card.sampling)])

    def direct(negative: str | None) -> bytes:
        s = card.sampling
        given = {"negative_prompt": [negative]} if negative is not None else {}
        pipeline = generator._pipeline
        done = pipeline(
            prompt=["zori the owl"], height=16, width=16, num_inference_steps=s.steps,
            guidance_scale=s.guidance, generator=noise([1]), **given,
        )  # fmt: skip
        return done.images[0].convert("RGB").tobytes()

    assert drawn.image.tobytes() == direct("") != direct(None)
    both = [request(card.sampling), request(card.sampling, "a cape")]
    assert generator.remarks(both) == []
    silent = load_generator(card.model_copy(update={"empty_negative": None}), "cpu")
    [told] = silent.remarks(both)
    assert 'differ in more than its words; say empty_negative: ""' in told
    assert silent.remarks(both[:1]) == silent.remarks(both[1:]) == []


@pytest.mark.parametrize("name", ["sd15", "pixart-alpha", "sd35-medium", "z-image", "flux2-klein-base-4b"])
def test_other_classes_take_no_negative_prompt_and_an_empty_one_alike(name: str, build: Build) -> None:
    """So their cards say nothing of it, and their pictures and identities are what they were."""
    card = shrunk(load_card(name), build)
    assert card.empty_negative is None
    silent, telling = (
        load_generator(c, "cpu").generate([request(card.sampling)])[0].image.tobytes()
        for c in (card, card.model_copy(update={"empty_negative": ""}))
    )
    assert silent == telling


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("sd15", 16),
        ("sdxl", 16),
        ("pixart-alpha", 120),
        ("deepfloyd-if", 77),
        ("sd35-medium", 256),
        ("flux1-schnell", 256),
        ("flux2-klein-base-4b", 512),
        ("z-image", 512),
    ],
)
def test_a_prompt_without_end_is_cut_where_the_card_says(
    name: str, limit: int, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The longest that a tokenizer is told to keep, while the picture is drawn."""
    card = shrunk(load_card(name), build)
    asked = [request(card.sampling, prompt="the owl " * 700)]
    generator = load_generator(card, "cpu")
    [told] = generator.cut_off(asked)
    assert f"longer than the {limit} tokens that {name} reads (up to" in told
    kept: list[int] = []
    whole = PreTrainedTokenizerBase.__call__

    def spy(self: Any, *args: Any, **kwargs: Any) -> Any:
        if kwargs.get("truncation"):
            kept.append(kwargs["max_length"])
        return whole(self, *args, **kwargs)

    monkeypatch.setattr(PreTrainedTokenizerBase, "__call__", spy)
    [drawn] = generator.generate(asked)
    assert drawn.error is None
    assert max(kept) == limit


def test_a_cascade_draws_the_same_with_its_parts_in_main_memory(build: Build) -> None:
    """The processor stands for the GPU: components move in and out, and none is missing when it is needed."""
    card = shrunk(load_card("deepfloyd-if"), build)
    generator = load_generator(card, "cpu")
    asked = [request(card.sampling, "a cape"), request(card.sampling, "a cape", seed=2)]
    plain = generator.generate(asked)
    for pipeline in (generator._first, *(p for _, p in generator._later)):
        pipeline.enable_model_cpu_offload(device="cpu")
    assert [o.image.tobytes() for o in generator.generate(asked)] == [o.image.tobytes() for o in plain]


@pytest.mark.parametrize("stage", [0, 1, 2])
def test_every_stage_of_a_cascade_is_given_the_negative_prompt(stage: int, build: Build) -> None:
    """Guidance is off in all stages but one: the negative prompt acts through that one."""
    card = shrunk(load_card("deepfloyd-if"), build)
    scales = [5.0 if n == stage else 1.0 for n in range(3)]
    sampling = card.sampling.model_copy(update={"guidance": scales[0]})
    stages = [s.model_copy(update={"guidance": g}) for s, g in zip(card.stages, scales[1:], strict=True)]
    generator = load_generator(card.model_copy(update={"stages": tuple(stages)}), "cpu")
    plain, steered = (generator.generate([request(sampling, n)])[0] for n in ("", "a cape, an owl"))
    assert plain.image.tobytes() != steered.image.tobytes()
