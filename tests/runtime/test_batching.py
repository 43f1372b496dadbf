"""Running out of memory: batches shrink, stay small, and only a single picture can fail."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from copycat.cards.models import load_card
from copycat.generators.base import load_generator
from copycat.runtime.batching import AdaptiveBatch, out_of_memory
from copycat.stages.plan import plan

Hook = Callable[[torch.nn.Module, tuple[torch.Tensor, ...]], None]


def _memory_for(pictures: int, seen: list[int]) -> Hook:
    """A hook of the denoiser that behaves like a GPU of that size; guidance doubles the batch."""

    def hook(_module: torch.nn.Module, args: tuple[torch.Tensor, ...]) -> None:
        seen.append(args[0].shape[0] // 2)
        if seen[-1] > pictures:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9.00 GiB.")

    return hook


def test_a_batch_is_halved_until_it_fits_and_stays_so(config, tiny_models):
    requests = plan(config(mitigations=("none",)))
    card = load_card(str(tiny_models.sd)).model_copy(update={"batch_size": 4})
    plenty = load_generator(card, "cpu").generate(requests)
    generator, seen = load_generator(card, "cpu"), []
    generator._pipeline.unet.register_forward_pre_hook(_memory_for(1, seen))
    outcomes = generator.generate(requests)
    assert [o.outcome for o in outcomes] == ["ok"] * len(requests)
    assert seen[:3] == [4, 2, 1]
    assert generator.batch_size == 1
    for small, large in zip(outcomes, plenty, strict=True):
        pairs = zip(small.image.tobytes(), large.image.tobytes(), strict=True)
        assert max(abs(a - b) for a, b in pairs) <= 2, "the same pictures but for rounding"
    seen.clear()
    generator.generate(requests)
    assert set(seen) == {1}, "what did not fit once is not tried again"


def test_only_a_picture_that_does_not_fit_alone_is_an_error(config, tiny_models):
    requests = plan(config(mitigations=("none",)))[:3]
    generator = load_generator(load_card(str(tiny_models.sd)), "cpu")
    generator._pipeline.unet.register_forward_pre_hook(_memory_for(0, []))
    outcomes = generator.generate(requests)
    assert [o.outcome for o in outcomes] == ["error"] * 3
    assert "out of memory" in outcomes[0].error


def test_a_batch_with_one_bad_item_keeps_its_size():
    def work(batch):
        if 5 in batch:
            raise ValueError("five")
        return [str(item) for item in batch]

    batches = AdaptiveBatch(4)
    done = batches.map(range(10), work, lambda item, why: f"{item} {why}")
    assert done == ["0", "1", "2", "3", "4", "5 ValueError: five", "6", "7", "8", "9"]
    assert batches.size == 4


def test_a_real_lack_of_memory_is_told_from_other_errors():
    with pytest.raises(RuntimeError) as lack:
        torch.empty(10**16)
    assert out_of_memory(lack.value)
    with pytest.raises(RuntimeError) as other:
        torch.ones(2) @ torch.ones(3)
    assert not out_of_memory(other.value)


def test_a_padded_batch_has_always_the_same_size_and_its_copies_are_dropped():
    seen: list[list[int]] = []

    def work(batch):
        seen.append(list(batch))
        if 3 in batch and len(batch) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9.00 GiB.")
        return [item * 10 for item in batch]

    batches = AdaptiveBatch(4, padded=True)
    assert batches.map([1, 2], work, lambda item, why: -1) == [10, 20]
    assert batches.map([3], work, lambda item, why: -1) == [30]
    assert seen == [[1, 2, 2, 2], [3, 3, 3, 3], [3, 3]]
    assert batches.size == 2


def test_each_lack_of_memory_is_said_once(caplog):
    def work(batch):
        if len(batch) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9.00 GiB.")
        return list(batch)

    batches = AdaptiveBatch(8, what="SDXL")
    for _ in range(2):
        assert batches.map(range(9), work, lambda item, why: -1) == list(range(9))
    assert caplog.messages == [
        "SDXL ran out of memory with 8 at a time; it goes on with 4.",
        "SDXL ran out of memory with 4 at a time; it goes on with 2.",
    ]
