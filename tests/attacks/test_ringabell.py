"""Ring-A-Bell's genetic search, on text encoders of tiny pipelines of the SD and SDXL classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from copycat.attacks.genetic import FRAMES, Encoding, GeneticSearch, wanted
from copycat.attacks.ringabell import RingABell, RingABellOptions
from copycat.diffusion.tap import Tap
from copycat.errors import UserError
from copycat.subjects.characters import normalise
from tests.attacks.test_udatk import Open
from tests.conftest import Tiny
from tests.helpers import tiny_pipelines


@pytest.fixture(params=["sd", "sdxl"])
def victim(request: pytest.FixtureRequest, tiny_models: Tiny) -> Open:
    torch.set_num_threads(1)
    return Open(str(getattr(tiny_models, request.param)))


def _search(victim: Open, **given: Any) -> GeneticSearch:
    usual = {
        "length": 4, "population": 12, "strength": 3.0, "mutation": 0.25, "crossover": 0.5, "seed": 0,
    }  # fmt: skip
    return GeneticSearch(victim, **{**usual, **given})


def test_an_encoding_is_all_that_the_denoiser_is_told(victim: Open) -> None:
    (found,) = Encoding(victim.card, victim.pipeline)(["an owl"])
    told = Tap(victim.original, victim.card, steps=1, guidance=1.0).arguments(["an owl"]).arguments
    words = told["encoder_hidden_states"].flatten()
    assert torch.equal(found[: len(words)], words)
    more = told.get("added_cond_kwargs") or {}
    rest = sum(value.numel() for value in more.values())
    assert found.shape == (len(words) + rest,)


def test_what_is_wanted_by_hand(victim: Open) -> None:
    encode = Encoding(victim.card, victim.pipeline)
    # One pair after another instead of all at once, and a running mean.
    mean = torch.zeros(())
    for number, frame in enumerate(FRAMES, 1):
        (pair,) = encode([frame.format("Zori")]) - encode([frame.format("an owl")])
        mean = mean + (pair - mean) / number
    by_hand = encode([victim.request.source_prompt])[0] + 2.5 * mean
    torch.testing.assert_close(wanted(victim, encode, 2.5), by_hand, atol=1e-5, rtol=1e-4)


def test_it_comes_nearer_and_never_goes_back(victim: Open) -> None:
    search = _search(victim)
    errors = [search.error]
    for _ in range(6):
        search.evolve(3)
        errors.append(search.error)
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < errors[0]
    assert victim.tally.steps == 18
    (found,) = Encoding(victim.card, victim.pipeline)([search.best])
    there = (found - wanted(victim, Encoding(victim.card, victim.pipeline), 3.0)).square().mean().item()
    assert there == pytest.approx(search.error, rel=1e-4), "the error is that of the text"


def test_it_finds_the_nearest_of_all_texts_where_there_are_few(victim: Open) -> None:
    search = _search(victim, length=1, population=60)
    encode, aim = (
        Encoding(victim.card, victim.pipeline),
        wanted(victim, Encoding(victim.card, victim.pipeline), 3.0),
    )
    every = min(search._words, key=lambda w: (encode([w])[0] - aim).square().mean().item())
    search.evolve(20)
    assert search.best == every


def test_children_are_of_their_parents_words(victim: Open) -> None:
    search = _search(victim, mutation=0.0, crossover=1.0)
    parents = torch.tensor([[0, 1, 2, 3], [4, 5, 6, 7]])
    children = search._children(parents, 50)
    for place in range(4):
        assert set(children[:, place].tolist()) == {int(parents[0, place]), int(parents[1, place])}
    assert len({tuple(c) for c in children.tolist()}) > 2, "some are of both"
    alone = _search(victim, mutation=0.0, crossover=0.0)._children(parents, 50)
    assert {tuple(c) for c in alone.tolist()} == {(0, 1, 2, 3), (4, 5, 6, 7)}
    changed = _search(victim, mutation=1.0, crossover=0.0)._children(parents, 50)
    differing = [min(int((c != p).sum()) for p in parents) for c in changed]
    assert set(differing) <= {0, 1}, "one word at most"
    assert 1 in differing


def test_the_name_is_not_among_the_words(victim: Open) -> None:
    words = set(map(normalise, _search(victim)._words))
    assert "owl" in words
    assert not words & {"zori", "zokin"}


def test_attempts_are_the_best_prompts_and_the_same_each_time(victim: Open) -> None:
    def made(seed: int) -> list[str | None]:
        options = RingABellOptions(population=8, generations=8, rounds=4, length=40, seed=seed)
        return [a.prompt for a in RingABell(options).attempts(victim)]

    found = made(0)
    assert 1 <= len(found) == len(set(found)) <= 4
    assert victim.tally.steps == 8
    assert found == made(0)
    assert found != made(1)
    room = victim.pipeline.tokenizer.model_max_length
    assert all(len(str(p).split()) <= room for p in found), "no longer than the encoder reads"


def test_it_works_on_transformers_that_read_t5(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    victim = Open(str(tiny_pipelines.build("PixArtAlphaPipeline", tmp_path / "pixart")))
    victim.card = victim.card.model_copy(
        update={"call": {**victim.card.call, "use_resolution_binning": False}}
    )
    search = _search(victim)
    before = search.error
    search.evolve(5)
    assert search.error < before


def test_a_model_that_is_given_texts_at_their_own_lengths_is_refused(
    victim: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    RingABell(RingABellOptions()).examine(victim.card, victim.pipeline)
    monkeypatch.setattr(
        "copycat.attacks.genetic.Encoding.__call__",
        lambda _, texts: torch.zeros(len(texts), max(map(len, texts))),
    )
    with pytest.raises(UserError, match="texts at their own lengths; use an attack on the prompt alone"):
        RingABell(RingABellOptions()).examine(victim.card, victim.pipeline)
