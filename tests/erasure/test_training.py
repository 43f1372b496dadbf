"""The training that erasers share: targets, and going on after a break."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from copycat.cards.models import load_card
from copycat.diffusion.tap import predict
from copycat.errors import UserError
from copycat.generators.pipelines import load_pipeline
from copycat.mitigations.erasure.base import Work
from copycat.mitigations.erasure.layers import parameter_group
from copycat.mitigations.erasure.training import Lesson, descend, squared_error
from copycat.runtime.progress import Progress


def _numbers() -> dict[str, nn.Parameter]:
    return {"a": nn.Parameter(torch.tensor([2.0, -1.0]))}


def _train(parameters: dict[str, nn.Parameter], work: Work, iterations: int, stop: int = -1) -> Any:
    def loss(i: int) -> Mapping[str, torch.Tensor]:
        if i == stop:
            raise KeyboardInterrupt
        wanted = torch.tensor([float(i % 3), 1.0])
        return {
            "near": (parameters["a"] - wanted).square().mean(),
            "small": parameters["a"].square().sum() * 0.1,
        }

    return descend(parameters, loss, iterations=iterations, lr=0.1, label="toy", work=work)


def test_one_step_of_adam_by_hand(tmp_path: Path) -> None:
    numbers = _numbers()
    losses = _train(numbers, Work(Progress(), tmp_path / "x.part"), 1)
    # The first step of Adam is the learning rate against the sign of the gradient.
    assert numbers["a"].tolist() == pytest.approx([1.9, -0.9], abs=1e-4)
    assert losses == {"near": [4.0], "small": [0.5]}


def test_a_training_that_was_stopped_ends_with_the_same_bits(tmp_path: Path) -> None:
    whole, broken = _numbers(), _numbers()
    told = _train(whole, Work(Progress(), tmp_path / "a.part"), 8)
    work = Work(Progress(), tmp_path / "b.part", every=0.0)
    with pytest.raises(KeyboardInterrupt):
        _train(broken, work, 8, stop=5)
    fresh = _numbers()
    assert _train(fresh, work, 8) == told
    assert torch.equal(fresh["a"], whole["a"])


@pytest.fixture(scope="module")
def lesson(tiny_models: Any) -> Lesson:
    card = load_card(str(tiny_models.sd))
    return Lesson(load_pipeline(card, "cpu"), card, steps=3, guidance=3.0, seed=0)


def test_the_target_is_on_the_other_side_of_the_empty_prompt(lesson: Lesson) -> None:
    at = lesson.noisy("zori", lesson.draw(0))
    with torch.no_grad():
        empty = predict(lesson.teacher, at.of(lesson.say("")))
        concept = predict(lesson.teacher, at.of(lesson.say("zori")))
    assert not torch.equal(empty, concept)
    assert torch.allclose(lesson.erased(at, "zori", 1.0), 2 * empty - concept, atol=1e-6)
    assert torch.equal(lesson.erased(at, "zori", 0.0), empty)


def test_latents_that_are_drawn_once_are_those_of_the_original(tiny_models: Any) -> None:
    card = load_card(str(tiny_models.sd))
    lesson = Lesson(load_pipeline(card, "cpu"), card, steps=3, guidance=3.0, seed=0)
    lesson.draw_once(["zori", "zori", "an owl"], Progress())
    seen = [lesson.noisy(["an owl", "zori"], lesson.draw(i)) for i in range(20)]
    steps = {float(torch.as_tensor(at.timestep).flatten()[0]) for at in seen}
    assert len(steps) == 3
    # The second picture of the first prompt has the noise of seed 1, the first of the second that of seed 2.
    drawn = [lesson.tap.noisy(["zori"], step, [1]) for step in range(3)]
    other = [lesson.tap.noisy(["an owl"], step, [2]) for step in range(3)]
    assert any(torch.allclose(at.latents[1:], one.latents, atol=1e-5) for at in seen for one in drawn)
    assert any(torch.allclose(at.latents[:1], one.latents, atol=1e-5) for at in seen for one in other)
    with torch.no_grad():
        for p in lesson.student.parameters():
            p.add_(0.5)
    again = [lesson.noisy(["an owl", "zori"], lesson.draw(i)) for i in range(20)]
    assert all(torch.equal(a.latents, b.latents) for a, b in zip(again, seen, strict=True))


def test_several_prompts_are_looked_at_as_each_alone(lesson: Lesson) -> None:
    at = lesson.noisy(["zori", "an owl"], lesson.draw(3))
    target = lesson.erased(at, ["zori", "an owl"], 1.0)
    second = lesson.erased(at.rows(slice(1, 2)), "an owl", 1.0)
    assert torch.allclose(target[1:], second, atol=1e-5)


def test_the_teacher_stays_when_the_student_learns(lesson: Lesson) -> None:
    at = lesson.noisy("zori", lesson.draw(1))
    said = at.of(lesson.say("zori"))
    with torch.no_grad():
        before = predict(lesson.teacher, said)
        parameter = next(iter(parameter_group(lesson.student, "x").values()))
        parameter.add_(0.5)
        assert torch.equal(before, predict(lesson.teacher, said))
        assert squared_error(predict(lesson.student, said), before) > 0
        with lesson.frozen():
            assert lesson.student is lesson.teacher
    assert lesson.student is not lesson.teacher


def test_groups_of_parameters(lesson: Lesson) -> None:
    groups = {g: set(parameter_group(lesson.student, g)) for g in ("x", "x-strict", "u", "all")}
    assert groups["x-strict"] < groups["x"]
    assert all(".to_k." in n or ".to_v." in n for n in groups["x-strict"])
    assert groups["x"] | groups["u"] == groups["all"]
    assert not groups["x"] & groups["u"]


def test_a_training_that_lost_its_weights_ends_before_they_are_kept(tmp_path: Path) -> None:
    numbers = _numbers()

    def loss(iteration: int) -> dict[str, torch.Tensor]:
        return {"far": numbers["a"].square().sum() * (1.0 if iteration < 2 else math.inf)}

    work = Work(Progress(), tmp_path / "a.part", every=0.0)
    with pytest.raises(UserError, match="far is no finite number after 3 iterations"):
        descend(numbers, loss, iterations=4, lr=0.1, label="toy", work=work)
    fresh = _numbers()
    descend(fresh, loss, iterations=2, lr=0.1, label="toy", work=work)
    assert all(torch.isfinite(p).all() for p in fresh.values())
