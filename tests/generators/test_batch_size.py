"""A batch size that is found on the device, kept in the run, and refused where it cannot be found."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch

from copycat.cards.models import ModelCard, load_card
from copycat.cli.parsing import batch_size
from copycat.errors import MissingRequirement, RunConflict, UserError
from copycat.generators.base import load_generator
from copycat.generators.batch_size import best_batch_size, trial_of
from copycat.generators.diffusers_image import DiffusersImage
from copycat.resolve import ResolvedRun
from copycat.runtime.batching import AdaptiveBatch
from copycat.runtime.engines import InProcess
from copycat.stages import batch_size as stage
from copycat.stages.generate import _company, generate
from copycat.stages.plan import plan, prepare

Config = Callable[..., ResolvedRun]


def device(memory: int, seconds: Callable[[int], float]) -> tuple[Callable[[int], float | str], list[int]]:
    """One with room for so many pictures, and the sizes that are tried on it."""
    tried: list[int] = []

    def trial(size: int) -> float | str:
        tried.append(size)
        return seconds(size) if size <= memory else "no room"

    return trial, tried


@pytest.mark.parametrize(
    ("memory", "seconds", "best", "sizes"),
    [
        (6, lambda n: 1 + 1 / n, 4, [1, 2, 4, 8]),
        (100, lambda n: max(1.0, 4 / n), 4, [1, 2, 4, 8]),
        (100, lambda n: 1.0, 1, [1, 2]),
        (1, lambda n: 1.0, 1, [1, 2]),
        (100, lambda n: 1 / n, 16, [1, 2, 4, 8, 16]),
    ],
)
def test_sizes_grow_until_memory_or_gain_ends(
    memory: int, seconds: Callable[[int], float], best: int, sizes: list[int]
) -> None:
    trial, tried = device(memory, seconds)
    assert best_batch_size(trial, most=16) == best
    assert tried == sizes


def test_a_real_model_is_tried_with_few_steps_until_its_memory_ends(config: Config, tiny_models: Any) -> None:
    requests = plan(config(mitigations=("none",), steps=30))
    card = load_card(str(tiny_models.sd)).model_copy(update={"batch_size": 8})
    drawn: list[int] = []

    def memory(_: Any, args: tuple[torch.Tensor, ...]) -> None:
        drawn.append(len(args[0]) // 2)
        if drawn[-1] > 2:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9.00 GiB.")

    ticks = iter(range(100))
    with load_generator(card, "cpu") as generator:
        generator._pipeline.unet.register_forward_pre_hook(memory)
        trial = trial_of(generator, requests, clock=lambda: float(next(ticks)))
        assert best_batch_size(trial, most=8) == 2
    assert drawn[:16] == [1] * 8 + [2] * 8, "twice each, in four steps"
    assert drawn[16] == 4


def test_where_nothing_is_drawn_no_size_is_kept(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    run = config(mitigations=("none",), batch_size="auto")
    folder = prepare(run, plan(run))

    def broken(*_: Any) -> Any:
        raise ValueError("no such kernel")

    monkeypatch.setattr(DiffusersImage, "_call", broken)
    with pytest.raises(MissingRequirement, match=r"not even one picture .*ValueError: no such kernel"):
        stage.with_batch_size(folder, run, folder.request_journal.rows(), _company, _Gpu)
    assert folder.manifest().batch_size is None


def test_no_size_is_tried_on_weights_that_have_changed(config: Config) -> None:
    run = config(mitigations=("none",), batch_size="auto")
    folder = prepare(run, plan(run))
    folder.update(model="menagerie@0")
    with pytest.raises(RunConflict, match="weights of sd have changed"):
        generate(folder, run)
    assert folder.manifest().batch_size is None


class _Gpu(InProcess):
    """This process, called a GPU."""

    def __init__(self) -> None:
        super().__init__("cuda")

    def map(self, batches: Any, open_worker: Any, done: Any) -> None:
        InProcess("cpu").map(batches, open_worker, done)


def test_what_was_found_is_kept_and_a_resumed_run_forms_the_same_batches(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = config(mitigations=("none",), batch_size="auto")
    folder = prepare(run, plan(run))
    monkeypatch.setattr(stage, "best_batch_size", lambda trial: 4 if trial(2) else 0)
    monkeypatch.setattr(stage, "MOST", 4)
    requests = folder.request_journal.rows()
    sized = stage.with_batch_size(folder, run, requests, _company, _Gpu)
    assert sized.card.batch_size == folder.manifest().batch_size == 4

    def never(_trial: Any) -> int:
        raise AssertionError("it is known")

    monkeypatch.setattr(stage, "best_batch_size", never)
    sizes: list[int] = []
    mapped = AdaptiveBatch.map

    def noted(self: Any, items: Any, *rest: Any) -> Any:
        sizes.append(len(items))
        return mapped(self, items, *rest)

    monkeypatch.setattr(AdaptiveBatch, "map", noted)
    assert generate(folder, run) == len(requests) == 6
    assert sizes == [4, 2]


def test_on_a_cpu_it_is_the_card_s(config: Config) -> None:
    run = config(mitigations=("none",), batch_size="auto")
    folder = prepare(run, plan(run))
    engine = partial(InProcess, "cpu")
    sized = stage.with_batch_size(folder, run, folder.request_journal.rows(), _company, engine)
    assert sized.card.batch_size == folder.manifest().batch_size == run.card.batch_size
    told = config(mitigations=("none",), batch_size=3)
    assert stage.with_batch_size(folder, told, [], _company, engine) is told


def test_where_none_can_be_found_it_is_refused(config: Config) -> None:
    for shared in (
        {"workers": 2},
        {"devices": ("cuda:0", "cuda:0")},
        {"devices": ("cuda", "cuda:0")},
        {"engine": "ray", "gpus_per_worker": 0.25},
    ):
        with pytest.raises(UserError, match="several are to share one; name a number"):
            config(batch_size="auto", **shared)
    for apart in ({"devices": ("cuda:0", "cuda:1")}, {"engine": "ray", "workers": 8}):
        assert config(batch_size="auto", **apart).card.find_batch_size
    with pytest.raises(UserError, match=r"runs elsewhere.*--concurrency"):
        config(batch_size="auto", model="dall-e-3", mitigations=("none",))
    with pytest.raises(UserError, match="'many' is not a number of images"):
        batch_size("many")
    assert [batch_size(t) for t in (None, "auto", "7")] == [None, "auto", 7]


def test_a_card_may_ask_for_it(tiny_models: Any) -> None:
    raw = load_card(str(tiny_models.sd)).model_dump(exclude_unset=True)
    card = ModelCard.model_validate({**raw, "batch_size": "auto"})
    assert (card.find_batch_size, card.batch_size) == (True, 1)
    assert card.identity() == load_card(str(tiny_models.sd)).identity()
