"""What only an NVIDIA GPU can show: `make test MARKERS=gpu`."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from copycat.cards.judges import load_judge_card
from copycat.generators.base import load_generator
from copycat.judges.base import load_judge
from copycat.records import Question, YesNo
from copycat.resolve import ResolvedRun
from copycat.stages.generate import generate
from copycat.stages.judge import judge
from copycat.stages.plan import plan, prepare

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(
        not torch.cuda.is_available() or torch.version.hip is not None, reason="needs an NVIDIA GPU"
    ),
]
Config = Callable[..., ResolvedRun]


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    """Whatever a test opened is gone from the card after it."""
    gc.collect()
    before = torch.cuda.memory_allocated()
    yield
    gc.collect()
    assert torch.cuda.memory_allocated() <= before + _ROUNDING


_ROUNDING = 64 << 20
"""Bytes: the workspaces of cuBLAS, which stay, are below this."""


def _pixels(image: Any) -> np.ndarray[Any, Any]:
    return np.asarray(image, dtype=float)


def test_a_compiled_model_draws_what_it_draws_eagerly(config: Config) -> None:
    run = config(mitigations=("none",), device="cuda")
    requests = plan(run)[:4]
    drawn = []
    for compiled in (False, True):
        with load_generator(run.card.model_copy(update={"compile": compiled}), "cuda") as generator:
            drawn.append([_pixels(o.image) for o in generator.generate(requests)])
    torch.compiler.reset()
    assert np.abs(np.stack(drawn[0]) - np.stack(drawn[1])).mean() < 2, "by rounding alone"


def test_the_noise_is_that_of_a_cpu(config: Config) -> None:
    run = config(mitigations=("none",))
    requests = plan(run)[:2]
    drawn = []
    for device in ("cpu", "cuda"):
        with load_generator(run.card, device) as generator:
            drawn.append([_pixels(o.image) for o in generator.generate(requests)])
    assert np.abs(np.stack(drawn[0]) - np.stack(drawn[1])).mean() < 2


def test_each_stage_leaves_the_card_as_it_was(config: Config) -> None:
    run = config(device="cuda")
    folder = prepare(run, plan(run))
    before = torch.cuda.memory_allocated()
    for stage in (
        lambda: generate(folder, run, device="cuda"),
        lambda: judge(folder, run.judging, device="cuda", config=run.config),
    ):
        torch.cuda.reset_peak_memory_stats()
        assert stage() > 0
        gc.collect()
        assert torch.cuda.max_memory_allocated() > before, "it ran there"
        # In a batch of small matrices cuBLAS keeps more than the weights of these models take.
        assert torch.cuda.memory_allocated() <= before + _ROUNDING
    assert folder.data().finished


def test_a_judge_in_bfloat16_answers_as_in_float32(tiny_models: Any, tmp_path: Path) -> None:
    from transformers import AutoProcessor, LlavaForConditionalGeneration

    half = tmp_path / "half"
    model: Any = LlavaForConditionalGeneration.from_pretrained(tiny_models.judge, dtype=torch.bfloat16)
    model.save_pretrained(half)
    AutoProcessor.from_pretrained(tiny_models.judge).save_pretrained(half)
    shades = [Image.new("RGB", (16, 16), (16 * i, 255 - 16 * i, 8 * i)) for i in range(12)]
    asked = [
        Question(kind="verify", file="f", sha256="0", request=str(i), text="is zori in this picture ?")
        for i in range(len(shades))
    ]
    card, said = load_judge_card(str(half)), []
    assert card.dtype == "bfloat16"
    for judge_card in (card, load_judge_card(str(tiny_models.judge))):
        with load_judge(judge_card, "cuda") as opened:
            answers = [v.answer for v in opened.ask(asked, shades)]
        assert all(isinstance(a, YesNo) for a in answers)
        said.append([a.p_yes for a in answers if isinstance(a, YesNo)])
    assert np.abs(np.subtract(*said)).mean() < 0.1


def test_the_benchmark_runs_on_the_card(tmp_path: Path) -> None:
    from benchmarks import gpu

    rows = gpu.main(["--size", "small", "--work", str(tmp_path), "--only", "sdxl,judge", "--minutes", "30"])
    measured = {row.key: row.value for row in rows if row.value is not None}
    assert {"sdxl stage", "sdxl compiled", "sdxl memory", "judge stage", "judge memory", "both"} <= set(
        measured
    )
    assert measured["sdxl memory"] > 0.05
    assert measured["sdxl memory left"] < 0.1 * measured["sdxl memory"] + _ROUNDING / 1e9
