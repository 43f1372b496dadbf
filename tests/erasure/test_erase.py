"""`copycat erase`: a folder that draws, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from copycat.cards.models import load_card
from copycat.cli.main import app
from copycat.errors import RunConflict, UserError
from copycat.generators.pipelines import load_pipeline


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COPYCAT_CACHE", str(tmp_path / "cache"))
    torch.set_num_threads(1)


def _erase(tiny_models: Any, out: Path, **more: str) -> Any:
    given = {
        "--model": str(tiny_models.sd), "--registry": str(tiny_models.registry), "--characters": "zori",
        "--out": str(out), "--device": "cpu", **more,
    }  # fmt: skip
    return CliRunner().invoke(
        app, ["erase", *(x for pair in given.items() for x in pair)], catch_exceptions=False
    )


def test_the_folder_draws_another_picture_and_says_how_it_was_made(tiny_models: Any, tmp_path: Path) -> None:
    out = tmp_path / "without"
    done = _erase(tiny_models, out)
    assert done.exit_code == 0, done.output
    assert "without 1 character" in done.output
    told = json.loads((out / "erasure.json").read_text())
    assert told["method"] == "uce-1"
    assert told["options"]["task"]["erased"][0]["slug"] == "zori"

    def draw(folder: str) -> Any:
        pipeline = load_pipeline(load_card(folder), "cpu")
        noise = [torch.Generator().manual_seed(1)]
        size = {"height": 16, "width": 16, "num_inference_steps": 2, "output_type": "np"}
        return pipeline(["zori"], generator=noise, **size).images

    assert (draw(str(out)) != draw(str(tiny_models.sd))).any()


def test_what_is_no_eraser_or_nobody_or_a_full_folder_is_refused(tiny_models: Any, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no eraser"):
        _erase(tiny_models, tmp_path / "a", **{"--method": "negprompt"})
    with pytest.raises(UserError, match="nobody"):
        _erase(tiny_models, tmp_path / "a", **{"--characters": "nobody"})
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").touch()
    with pytest.raises(RunConflict, match="not empty"):
        _erase(tiny_models, tmp_path / "full")
    assert not (tmp_path / "a").exists()
