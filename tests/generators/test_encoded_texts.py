"""A text is encoded once, by itself, and what comes of it is what the encoder would have given."""

from __future__ import annotations

import functools
from typing import Any

import pytest
import torch

from copycat.cards.hooks import Conditioning
from copycat.cards.models import ModelCard, load_card
from copycat.generators.base import Generator, load_generator
from copycat.generators.encoded_texts import EncodedTexts, encode_once
from copycat.generators.pipelines import load_pipeline
from copycat.records import Request
from tests.helpers import tiny_pipelines
from tests.helpers.tiny_pipelines import Build, shrunk

FAMILIES = ["sdxl", "sd35-large", "flux1-dev", "flux2-klein-base-4b", "qwen-image", "z-image", "pixart-alpha"]
"""CLIP, CLIP and T5, language models: one card each."""


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("pipelines")
    return functools.cache(lambda pipeline: tiny_pipelines.build(pipeline, root / pipeline))


def requests(card: ModelCard, *prompts: str, negative: str = "") -> list[Request]:
    return [
        Request(
            model="m", character="zori", prompt_set="name", run_seed=0, seed=seed, mitigation="m",
            source_prompt="zori", prompt=prompt, negative=negative, sampling=card.sampling,
        )
        for seed, prompt in enumerate(prompts, 1)
    ]  # fmt: skip


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The rows of each call that reaches the text encoders, whose classes count them; for what is loaded
    afterwards."""
    import transformers

    rows: list[int] = []
    names = (
        *("CLIPTextModel", "CLIPTextModelWithProjection", "T5EncoderModel", "Qwen3ForCausalLM"),
        "Qwen2_5_VLForConditionalGeneration",
    )
    for kind in (getattr(transformers, name) for name in names):

        def counting(self: Any, *args: Any, _forward: Any = kind.forward, **kwargs: Any) -> Any:
            rows.append(len(args[0] if args else kwargs["input_ids"]))
            return _forward(self, *args, **kwargs)

        monkeypatch.setattr(kind, "forward", functools.wraps(kind.forward)(counting))
    return rows


def pixels(generator: Generator, asked: list[Request], **hooks: Any) -> list[bytes]:
    outcomes = generator.generate(asked, **hooks)
    assert [o.error for o in outcomes] == [None] * len(asked)
    return [o.image.tobytes() for o in outcomes]


def forgetting(generator: Generator) -> Generator:
    """With text encoders as the pipeline has them."""
    for name, module in generator._pipeline.components.items():
        if name.startswith("text_encoder") and module is not None:
            object.__delattr__(module, "forward")
    return generator


@pytest.mark.parametrize("name", FAMILIES)
def test_each_text_is_encoded_once_and_alone_and_pictures_stay(
    name: str, build: Build, encoded: list[int]
) -> None:
    card = shrunk(load_card(name), build).model_copy(update={"batch_size": 3})
    asked = requests(card, "zori the owl", "a frog here", "zori the owl")
    plain = pixels(forgetting(load_generator(card, "cpu")), asked)
    before = len(encoded)
    assert max(encoded) == 3
    generator = load_generator(card, "cpu")
    assert pixels(generator, asked) == plain
    first = encoded[before:]
    assert set(first) == {1}
    assert len(first) < sum(encoded[:before]), "the prompt that stands twice was encoded once"
    assert pixels(generator, asked) == plain
    assert encoded[before:] == first, "nothing is encoded anew"


def test_the_menagerie_s_pictures_keep_their_bytes(build: Build) -> None:
    card = load_card("menagerie")
    sampling = card.sampling.model_copy(update={"steps": 3})
    card = card.model_copy(update={"batch_size": 4, "sampling": sampling})
    asked = requests(card, "Abranel", "a blue bird in a hat", "Abranel", "Abranel", negative="Abranel")
    with load_generator(card, "cpu") as generator:
        once = pixels(generator, asked)
        assert once == pixels(forgetting(generator), asked)


def test_a_text_has_the_same_bits_in_any_company(build: Build) -> None:
    pipeline = load_pipeline(shrunk(load_card("sdxl"), build), "cpu")
    encode_once(pipeline)
    ids = torch.randint(5, 20, (5, 16), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        alone = [pipeline.text_encoder_2(row[None], output_hidden_states=True) for row in ids]
        together = pipeline.text_encoder_2(ids.flip(0), output_hidden_states=True)
        assert len(together.hidden_states) == len(alone[0].hidden_states) == 3
        for i, one in enumerate(alone):
            assert torch.equal(together.hidden_states[-2][4 - i], one.hidden_states[-2][0])
            assert torch.equal(together[0][4 - i], one.text_embeds[0])
        with pytest.raises(AttributeError):
            _ = together.no_such_field


def test_swapped_tokens_are_encoded_as_they_come_and_never_kept(build: Build, encoded: list[int]) -> None:
    card = shrunk(load_card("sdxl"), build)
    generator = load_generator(card, "cpu")
    asked = requests(card, "zori the owl")
    plain, calls = pixels(generator, asked), len(encoded)
    swapped = Conditioning(tokens={"text_encoder": {"zori": torch.ones(16)}})
    marked = [r.model_copy(update={"conditioning": swapped.sha}) for r in asked]
    first, second = (pixels(generator, marked, conditionings={swapped.sha: swapped}) for _ in range(2))
    assert first == second != plain
    assert len(encoded) > calls
    assert pixels(generator, asked) == plain


def test_weights_that_are_changed_are_noticed(build: Build) -> None:
    card = shrunk(load_card("sdxl"), build)
    generator = load_generator(card, "cpu")
    asked = requests(card, "zori the owl")
    plain = pixels(generator, asked)
    encoder = generator._pipeline.text_encoder
    weight = encoder.get_input_embeddings().weight
    with torch.no_grad():
        weight.mul_(-1)
        changed = pixels(generator, asked)
        weight.mul_(-1)
    assert changed != plain
    assert pixels(generator, asked) == plain


def test_parts_in_main_memory_are_encoded_as_they_come(build: Build, encoded: list[int]) -> None:
    card = shrunk(load_card("sdxl"), build)
    generator = load_generator(card, "cpu")
    generator._pipeline.enable_model_cpu_offload(device="cpu")
    asked = requests(card, "zori the owl")
    first, calls = pixels(generator, asked), len(encoded)
    assert pixels(generator, asked) == first
    assert len(encoded) == 2 * calls


@pytest.fixture
def some() -> list[torch.Tensor]:
    return [torch.full((1, 4), float(i)) for i in range(4)]


def test_what_was_not_read_for_long_goes_first(some: list[torch.Tensor]) -> None:
    kept = EncodedTexts(most=3 * 16)
    for i in range(3):
        kept.put((str(i), ("x",)), some[i])
    assert kept.get(("0", ("x",))) is not None
    kept.put(("3", ("x",)), some[3])
    held = [kept.get((str(i), ("x",))) is not None for i in range(4)]
    assert held == [True, False, True, True]
    assert kept.bytes == 48
    kept.put(("large", ("x",)), torch.zeros(1, 13))
    assert kept.get(("large", ("x",))) is None
