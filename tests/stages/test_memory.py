"""What is in a GPU's memory together is added up before a run begins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from copycat.cards.judges import load_judge_card
from copycat.errors import MissingRequirement
from copycat.stages.plan import check
from tests.conftest import Tiny


@pytest.fixture
def large(tiny_models: Tiny, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Runs of a model and a judge that need 10 GB each, on GPUs of 24 GB."""

    class Gpu:
        total_memory = 24e9

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: Gpu)
    home = tmp_path / "home"
    monkeypatch.setenv("COPYCAT_HOME", str(home))
    model = {
        "name": "big", "title": "Big", "pipeline": "StableDiffusionPipeline", "source": str(tiny_models.sd),
        "sampling": {"steps": 2, "guidance": 2, "height": 16, "width": 16}, "min_gpu_gb": 10,
    }  # fmt: skip
    judge = load_judge_card(str(tiny_models.judge)).model_dump(mode="json", exclude_unset=True)
    for folder, card in (("models", model), ("judges", {**judge, "name": "keen", "min_gpu_gb": 10})):
        (home / folder).mkdir(parents=True)
        (home / folder / f"{card['name']}.yaml").write_text(yaml.safe_dump(card))

    def run(**given: Any) -> Any:
        chosen = {"model": "big", "judge": "keen", "device": "auto", "mitigations": ("none",), **given}
        return tiny_models.config(tmp_path / "run", **chosen)

    return run


def test_one_after_another_they_fit(large: Any) -> None:
    check(large())
    check(large(workers=2))
    check(large(devices=("cuda:0", "cuda:1")))


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"workers": 3}, r"Big in 3 processes needs a GPU with 30 GB and cuda has 24"),
        ({"devices": ("cuda:0",) * 3}, r"Big needs a GPU with 30 GB and cuda:0 has 24"),
        (
            {"mitigations": ("filter",), "workers": 2},
            r"the judge of its filter in 2 processes needs a GPU with 40 GB",
        ),
        ({"model": "menagerie", "registry": None, "prompts": ("name",), "workers": 3}, None),
    ],
)
def test_what_is_together_must_fit(large: Any, given: dict[str, Any], why: str | None) -> None:
    if why is None:
        given = {**given, "registry": large().config.registry, "prompts": large().config.prompts}
        why = r"The judge keen in 3 processes needs a GPU with 30 GB"
    with pytest.raises(MissingRequirement, match=why):
        check(large(**given))
