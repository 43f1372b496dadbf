"""SAFREE: its rules by hand, and on pipelines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from copycat.cards.hooks import DenoiseStep
from copycat.diffusion.tokens import word_places
from copycat.errors import UserError
from copycat.generators.base import load_generator
from copycat.mitigations.safree import (
    concept_words,
    distances,
    projection,
    steps_for,
    text_argument,
    without_each_word,
)
from copycat.stages.plan import check_offered
from tests.helpers.steered import card_of, request_of


def test_the_projection_is_the_one_onto_the_span_also_of_vectors_that_depend_on_each_other() -> None:
    x, y = torch.tensor([1.0, 0.0, 0.0]), torch.tensor([1.0, 1.0, 0.0])
    onto_plane = projection(torch.stack([x, y, x + y]))
    assert torch.allclose(onto_plane, torch.diag(torch.tensor([1.0, 1.0, 0.0])), atol=1e-6)
    found = distances(torch.tensor([[3.0, 4.0, 12.0], [3.0, 4.0, 0.0]]), projection(x[None]))
    assert found.tolist() == pytest.approx([(4**2 + 12**2) ** 0.5, 4.0])


def test_a_word_is_the_concepts_where_the_prompt_is_further_away_without_it() -> None:
    assert concept_words([1.0, 2.0, 1.0], 0.5, 0.01) == [1]
    # 1.01 times the mean of the others, 1, is reached or not.
    assert concept_words([1.0, 1.0, 1.0101], 0.5, 0.01) == [2]
    assert concept_words([1.0, 1.0, 1.0099], 0.5, 0.01) == []
    # One word alone is compared with itself.
    assert concept_words([1.0], 0.5, 0.01) == [0]
    assert concept_words([1.0], 1.0, 0.01) == []
    assert concept_words([], 1.0, 0.01) == []


def test_it_acts_in_more_steps_the_nearer_the_prompt_is() -> None:
    # 10 / (1 + exp(-50 (β - 0.5333))): at β = 0.55 it is 10 / (1 + exp(-0.835)) = 6.97.
    assert [steps_for(near, 10) for near in (0.0, 0.45, 0.5333, 0.55, 0.65, 1.0)] == [0, 0, 5, 7, 10, 10]
    assert steps_for(1.0, 0.2 * 20) == 4


def test_without_each_word() -> None:
    assert without_each_word("Zori the owl") == ["the owl", "Zori owl", "Zori the"]
    assert without_each_word("Zori") == [""]
    assert without_each_word("") == []


def test_the_places_of_words_are_those_of_their_tokens(tiny_models: Any) -> None:
    with load_generator(card_of("sdxl", tiny_models), "cpu") as generator:
        pipeline = generator._pipeline  # type: ignore[attr-defined]
        text = "Zori the owl"
        places = word_places(pipeline, text)
        assert places is not None
        ids = pipeline.tokenizer.encode(text)
        said = [pipeline.tokenizer.decode([ids[i] for i in place]).strip().lower() for place in places]
        assert said == ["zori", "the", "owl"]
        longest = pipeline.tokenizer.model_max_length
        last = word_places(pipeline, " ".join(["owl"] * 2 * longest))
        assert last is not None
        ends = pipeline.tokenizer.encode("owl")[-1] in pipeline.tokenizer.all_special_ids
        assert max(i for place in last for i in place) == longest - 1 - ends
        assert list(last[-1]) == []


@pytest.mark.parametrize("ends", [False, True])
def test_words_of_the_concept_lose_its_subspace_in_the_first_steps_and_all_else_stays(ends: bool) -> None:
    # In a world with two axes the concept is the first; each text has three rows, the last for its end.
    spec = f"safree[share=1,ends={str(ends).lower()}]"
    request, composition = request_of(card_of("menagerie"), spec, 1, prompt="Zori barn")
    rows = {text: [[1.0, 0.0]] * 3 for text in composition.parts[0].texts(request)}
    rows |= {"Zori barn": [[1.0, 0.3], [1.0, 0.0], [1.0, 0.2]], "barn": [[0.0, 1.0]] * 3}
    said = {text: {"words": torch.tensor([value])} for text, value in rows.items()}
    seen: list[Any] = []

    def model(step: DenoiseStep) -> torch.Tensor:
        seen.append(step.arguments["words"])
        return step.latents

    empty = torch.full((1, 3, 2), 9.0)
    given = {"words": torch.cat([empty, said["Zori barn"]["words"]])}
    hook, memory = composition.denoiser(request), {}
    assert hook is not None
    places = {"Zori barn": (range(1), range(1, 2))}
    for time in range(9, 0, -1):
        step = DenoiseStep(torch.zeros(2, 1, 1, 1), time, (request,) * 2, given, model, said, memory, places)
        hook(step)
    # 3 steps are all that this request has, and the prompt is near (its mean is (1, 0.17)).
    assert [bool((words != given["words"]).any()) for words in seen] == [True] * 3 + [False] * 6
    changed, end = seen[0], [0.0, 0.2] if ends else [1.0, 0.2]
    assert torch.equal(changed[0], empty[0])
    assert torch.allclose(changed[1], torch.tensor([[0.0, 0.3], [1.0, 0.0], end]), atol=1e-5)
    assert torch.equal(given["words"][1], said["Zori barn"]["words"][0])  # what it was given is left alone


@pytest.mark.parametrize("name", ["menagerie", "sd", "sdxl"])
def test_it_changes_pictures_of_the_character_and_each_draw_begins_anew(name: str, tiny_models: Any) -> None:
    torch.set_num_threads(1)
    card = card_of(name, tiny_models)
    with load_generator(card, "cpu") as generator:

        def draw(spec: str) -> list[bytes]:
            made = [request_of(card, spec, seed, prompt="Zori") for seed in (1, 2)]
            found = generator.generate([r for r, _ in made], denoise=made[0][1].denoiser(made[0][0]))
            assert [o.error for o in found] == [None, None]
            return [o.image.tobytes() for o in found if o.image]

        guarded = draw("safree[share=1]")
        assert all(a != b for a, b in zip(guarded, draw("none"), strict=True))
        assert guarded == draw("safree[share=1]")


def test_where_it_cannot_act_it_is_refused(tiny_models: Any, tmp_path: Path) -> None:
    run = tiny_models.config(tmp_path / "run", mitigations=("safree",), guidance=1.0)
    with pytest.raises(UserError, match="so safree cannot act"):
        check_offered(run)
    request, composition = request_of(card_of("menagerie"), "safree", 1)
    said = {text: {"words": torch.ones(1, 2, 2)} for text in composition.parts[0].texts(request)}
    step = DenoiseStep(torch.zeros(2, 1), 1, (request,) * 2, {"words": torch.ones(2, 2, 2)},
                       lambda s: s.latents, said)  # fmt: skip
    hook = composition.denoiser(request)
    assert hook is not None
    with pytest.raises(UserError, match="split a prompt alike"):
        hook(step)
    without = DenoiseStep(torch.zeros(2, 1), 1, (request,) * 2, {}, lambda s: s.latents, said)
    with pytest.raises(UserError, match="no embeddings of words"):
        text_argument(without)
