"""UnlearnDiffAtk's relaxation, on tiny pipelines of the SD and SDXL classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from copycat.attacks import Attempt, Victim
from copycat.attacks.prefix import PrefixSearch
from copycat.attacks.search import Tally
from copycat.attacks.udatk import UDAtk, UDAtkOptions
from copycat.cards.models import load_card
from copycat.diffusion.schedule import clean, noised, prediction_target
from copycat.diffusion.tap import Tap
from copycat.diffusion.tokens import gradients_off, placeholders, vocabulary
from copycat.errors import UserError
from copycat.generators.pipelines import load_pipeline
from tests.conftest import Tiny
from tests.contracts.test_mitigations import CHARACTER, REQUEST
from tests.helpers import tiny_pipelines


class Open(Victim):
    """A pipeline that is its own original, and of which nothing is ever recognised."""

    def __init__(self, folder: str) -> None:
        self.card = load_card(folder)
        sampling = self.card.sampling.model_copy(update={"steps": 2})
        self.request = REQUEST.model_copy(update={"sampling": sampling})
        self.character, self.tally, self._loaded = CHARACTER, Tally(), load_pipeline(self.card, "cpu")

    def attempt(self, attempt: Attempt) -> bool | None:
        return False

    def step(self, count: int = 1) -> None:
        self.tally.step(count)

    @property
    def pipeline(self) -> Any:
        return self._loaded

    @property
    def original(self) -> Any:
        return self._loaded


@pytest.fixture(params=["sd", "sdxl"])
def victim(request: pytest.FixtureRequest, tiny_models: Tiny) -> Open:
    torch.set_num_threads(1)
    return Open(str(getattr(tiny_models, request.param)))


def _search(victim: Victim, **given: Any) -> PrefixSearch:
    return PrefixSearch(victim, **{"tokens": 2, "draws": 2, "lr": 0.1, "decay": 0.1, "seed": 0, **given})


def test_the_vocabulary_is_of_words_that_come_back_as_they_were(victim: Open) -> None:
    found = vocabulary(victim.pipeline)
    tokenizer = victim.pipeline.tokenizer
    assert len(found.words) == 30, "all words of the tiny tokenizer, and no mark"
    assert len(set(found.words)) == len(found.words)
    for word, number in zip(found.words, found.ids["text_encoder"].tolist(), strict=True):
        assert tokenizer.encode(word, add_special_tokens=False) == [number]
        assert number not in tokenizer.all_special_ids
    assert all(len(ids) == len(found.words) for ids in found.ids.values())


def test_of_the_menagerie_parts_of_words_are_left_out() -> None:
    pipeline = load_pipeline(load_card("menagerie"), "cpu")
    found = vocabulary(pipeline)
    assert 100 < len(found.words) < len(pipeline.tokenizer)
    assert {"owl", "red"} <= set(found.words)
    assert not any("<" in word for word in found.words)


def test_placeholders_stand_in_no_prompt(victim: Open) -> None:
    found = placeholders(victim.pipeline, ["cat owl the"], 3)
    assert len(set(found)) == 3
    assert not {"cat", "owl", "the"} & set(found)
    with pytest.raises(UserError, match="no 999 tokens"):
        placeholders(victim.pipeline, [""], 999)


def test_words_that_are_chosen_are_the_prompt_with_these_words(victim: Open) -> None:
    search, tap = _search(victim), Tap(victim.pipeline, victim.card, steps=1)
    words = search._words.words
    prompt = victim.request.source_prompt
    chosen = torch.zeros(4, len(words))
    for row, word in enumerate(["frog", "picture", "cat", "the"]):
        chosen[row, words.index(word)] = 1
    soft = search._said(chosen).arguments
    hard = tap.arguments([f"frog picture {prompt}", f"cat the {prompt}"]).arguments
    told = [soft["encoder_hidden_states"], hard["encoder_hidden_states"]]
    if hard.get("added_cond_kwargs"):
        pooled = [a["added_cond_kwargs"]["text_embeds"] for a in (soft, hard)]
        assert torch.allclose(*pooled, atol=1e-6)
    assert torch.allclose(*told, atol=1e-6)
    assert not torch.allclose(*told[0], atol=1e-6), "two draws are two prompts"


def test_the_gradient_is_that_of_the_error_in_the_words(
    victim: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = _search(victim)
    # Nothing drawn: the rows themselves are mixed, so that the error is smooth in them.
    monkeypatch.setattr("copycat.attacks.prefix.drawn", lambda rows, _: rows)

    def error(rows: torch.Tensor) -> torch.Tensor:
        search._inversion.chance.manual_seed(5)
        return search._error(rows, torch.tensor(300), 2)

    chance = torch.Generator().manual_seed(0)
    rows = torch.rand(search._rows.shape, generator=chance).requires_grad_(True)
    way = torch.randn(rows.shape, generator=chance)
    with gradients_off(victim.pipeline):
        (gradient,) = torch.autograd.grad(error(rows), [rows])
        assert all(p.grad is None for p in victim.pipeline.unet.parameters())
    step = 1e-2
    slope = (error(rows + step * way) - error(rows - step * way)).item() / (2 * step)
    assert slope == pytest.approx((gradient * way).sum().item(), rel=0.05, abs=1e-4)


def test_a_step_is_a_mean_over_draws_however_many_fit_at_once(victim: Open) -> None:
    search = _search(victim, draws=3)
    search._at_once = 2
    rows = search._rows.clone().requires_grad_(True)

    def fresh() -> None:
        search._inversion.chance.manual_seed(3)

    fresh()
    found = search._gradient(rows, torch.tensor(300))
    fresh()
    parts = [torch.autograd.grad(search._error(rows, torch.tensor(300), n), [rows])[0] for n in (2, 1)]
    assert torch.allclose(found, (2 * parts[0] + parts[1]) / 3)


def test_it_goes_down_and_names_words_of_the_vocabulary(victim: Open) -> None:
    search = _search(victim)
    words = search.descend(0.5, 5)
    assert len(words) == 2
    assert set(words) <= set(search._words.words)
    assert torch.allclose(search._rows.sum(1), torch.ones(2), atol=1e-5)
    assert (search._rows >= 0).all()
    uniform = torch.full_like(search._rows, 1 / search._rows.shape[1])
    assert not torch.allclose(search._rows, uniform), "the next noise level starts from here"
    assert victim.tally.steps == 5
    wanting = {p.requires_grad for p in victim.pipeline.unet.parameters()}
    assert wanting == {True}, "the pipeline is left as it was"


def test_attempts_are_words_before_the_prompt_and_none_comes_twice(victim: Open) -> None:
    def made(seed: int) -> list[str | None]:
        attack = UDAtk(UDAtkOptions(timesteps=4, steps=2, tokens=2, seed=seed, lr=0.5))
        return [a.prompt for a in attack.attempts(victim)]

    found = made(0)
    assert found
    assert len(found) == len(set(found))
    assert all(str(p).endswith(f" {victim.request.source_prompt}") for p in found)
    assert found == made(0)
    assert found != made(1)


def test_a_model_of_flow_matching_is_refused(tmp_path: Path) -> None:
    victim = Open(str(tiny_pipelines.build("StableDiffusion3Pipeline", tmp_path / "sd3")))
    with pytest.raises(UserError, match="flow matching; use an attack on the prompt alone"):
        _search(victim)


def test_videos_are_refused() -> None:
    with pytest.raises(UserError, match="makes videos"):
        UDAtk(UDAtkOptions()).check(load_card("menagerie-video"))


@pytest.mark.parametrize("kind", ["epsilon", "v_prediction", "sample"])
def test_what_a_model_is_trained_to_predict_says_the_clean_latents(kind: str) -> None:
    from diffusers import DDIMScheduler

    scheduler = DDIMScheduler(prediction_type=kind)
    chance = torch.Generator().manual_seed(0)
    latents, noise = torch.randn(2, 1, 4, 8, 8, generator=chance).unbind(0)
    at = torch.tensor(400)
    target = prediction_target(scheduler, latents, noise, at)
    noisy = noised(scheduler, latents, noise, at)
    assert torch.allclose(clean(scheduler, noisy, target, at), latents, atol=1e-4)
    if kind == "epsilon":
        assert torch.equal(target, noise)
    scheduler.register_to_config(prediction_type="flow")
    with pytest.raises(UserError, match="predicts flow"):
        prediction_target(scheduler, latents, noise, at)


def test_a_prompt_that_does_not_name_the_character_gets_no_word_of_its_names(victim: Open) -> None:
    words = vocabulary(victim.pipeline).words
    victim.character = victim.character.model_copy(update={"name": "Red Owl", "aliases": ()})
    victim.request = victim.request.model_copy(update={"source_prompt": "a picture of a bird"})
    others = [w for w in words if w not in ("red", "owl")]
    assert len(others) < len(words)
    assert list(_search(victim)._words.words) == others
    assert len(_search(victim)._words.ids["text_encoder"]) == len(others)
    assert list(_search(victim, names=True)._words.words) == list(words)
    victim.request = victim.request.model_copy(update={"source_prompt": "a red owl"})
    assert list(_search(victim)._words.words) == list(words), "the attacker may say what the prompt says"


def test_options_are_written_as_they_were_before_there_were_names() -> None:
    assert "names" not in UDAtkOptions().model_dump(mode="json")
    allowed = UDAtkOptions(names=True).model_dump(mode="json")
    assert UDAtkOptions.model_validate(allowed).names
