"""Folders without a card that are drawn with: fp16 weights alone, and the first stage of a cascade."""

from __future__ import annotations

from pathlib import Path

import pytest

from copycat.generators.base import load_generator
from copycat.generators.pipelines import load_pipeline
from copycat.stages.plan import plan
from tests.helpers.tiny_pipelines import build


@pytest.fixture
def folder(request: pytest.FixtureRequest, tiny_models, tmp_path: Path) -> Path:
    if request.param == "IFPipeline":
        return build("IFPipeline", tmp_path / "first-stage")
    plain = request.getfixturevalue("config")(model=str(tiny_models.sd)).card
    load_pipeline(plain.model_copy(update={"dtype": "float16"}), "cpu").to(dtype=_half()).save_pretrained(
        tmp_path / "half", variant="fp16"
    )
    return tmp_path / "half"


def _half() -> object:
    import torch

    return torch.float16


@pytest.mark.parametrize(
    ("folder", "variant", "dtype", "told"),
    [
        ("IFPipeline", None, "float32", "the first stage of deepfloyd-if alone"),
        ("StableDiffusionPipeline", "fp16", "float16", "files of the variant fp16"),
    ],
    indirect=["folder"],
)
def test_it_draws(config, folder: Path, variant: str | None, dtype: str, told: str) -> None:
    run = config(model=str(folder), mitigations=("none", "negprompt"), limit=1, seeds=(0,))
    assert (run.card.variant, run.card.dtype) == (variant, dtype)
    assert told in run.taken[0]
    none, negprompt = plan(run)
    call = {"clean_caption": False} if run.card.pipeline == "IFPipeline" else {}
    with load_generator(run.card.model_copy(update={"call": call}), "cpu") as generator:
        [a], [b] = generator.generate([none]), generator.generate([negprompt])
    for made in (a, b):
        assert made.outcome == "ok", made.error
        assert made.image is not None
        assert made.image.size == (16, 16)
    assert a.image.tobytes() != b.image.tobytes(), "the negative prompt acts"
