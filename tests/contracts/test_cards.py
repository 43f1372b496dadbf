"""What every shipped card keeps to."""

from __future__ import annotations

import inspect

import pytest

from copycat.cards.judges import CATALOG as JUDGES
from copycat.cards.models import load_card, names
from copycat.generators.base import CATALOG as GENERATORS
from copycat.generators.base import Generator, load_generator
from copycat.judges.base import CATALOG as JUDGE_KINDS
from copycat.judges.base import Judge
from copycat.mitigations import CATALOG as MITIGATIONS
from copycat.stages.plan import plan
from copycat.subjects.characters import load_registry

UNPINNED = {"sd21"}
"""Cards whose commit nobody could name; each says so itself, and a run keeps to the commit it found."""


@pytest.mark.parametrize("name", names())
def test_model_card(name):
    import diffusers

    card = load_card(name)
    assert card.name == name
    assert issubclass(GENERATORS.get(card.kind), Generator)
    assert card.licence
    assert card.settings_source
    assert load_registry(card.registry).characters
    for method, suiting in card.erasers.items():
        assert MITIGATIONS.get(method).options.model_validate(suiting)
    if card.api:
        assert card.negative_prompt == card.steers(card.sampling.guidance)
        sent = card.kind != "openai-images" or "negative" in card.body_fields
        assert sent or not card.negative_prompt, "OpenAI's own API takes none"
        return
    for part in (card, *card.stages):
        pipeline = getattr(diffusers, part.pipeline)
        taken = inspect.signature(pipeline.__call__).parameters
        assert set(part.call) <= set(taken)
        assert set(part.null_components) <= set(inspect.signature(pipeline.__init__).parameters)
        assert part.pinned or name in UNPINNED, "a hub model is pinned to a commit"
    taken = inspect.signature(getattr(diffusers, card.pipeline).__call__).parameters
    assert card.guidance_argument in taken
    if card.negative_prompt:
        assert card.negative_argument in taken
        assert card.steers(card.sampling.guidance), "the default settings let a negative prompt act"
    else:
        assert card.negative_advice
    assert card.min_gpu_gb is None or card.gb_with("sequential") < card.min_gpu_gb


@pytest.mark.parametrize("name", JUDGES.names())
def test_judge_card(name):
    card = JUDGES.get(name)
    assert card.name == name
    assert issubclass(JUDGE_KINDS.get(card.kind), Judge)
    if card.folder is None and not card.api:
        assert len(card.revision or "") == 40


@pytest.mark.parametrize("model", ["sd", "sdxl"])
def test_generator(config, tiny_models, model):
    requests = plan(config(model=str(getattr(tiny_models, model))))[:4]
    generator = load_generator(load_card(str(getattr(tiny_models, model))), "cpu")
    first, second = generator.generate(requests), generator.generate(requests)
    assert len(first) == len(requests)
    for a, b, r in zip(first, second, requests, strict=True):
        assert a.outcome == "ok"
        assert a.image.tobytes() == b.image.tobytes(), "same requests, same bits"
        assert a.image.size == (r.sampling.width, r.sampling.height)
        assert a.image.mode == "RGB"
