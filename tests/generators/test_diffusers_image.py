"""What the diffusers generator refuses, and how it fails."""

from __future__ import annotations

import json
import shutil

import pytest
import torch

from copycat.cards.models import load_card
from copycat.errors import BadFile, MissingRequirement
from copycat.generators.base import load_generator
from copycat.runtime.device import resolve_device
from copycat.stages.plan import plan


def test_a_batch_that_raises_fails_only_where_it_must(config, tiny_models):
    requests = plan(config())[:3]
    bad = requests[1].model_copy(update={"sampling": requests[1].sampling.model_copy(update={"height": 12})})
    generator = load_generator(load_card(str(tiny_models.sd)), "cpu")
    alone = generator.generate([bad])
    assert alone[0].outcome == "error"
    generator._pipeline.unet.register_forward_pre_hook(_refuse_batches)
    outcomes = generator.generate(requests)
    assert [o.outcome for o in outcomes] == ["ok"] * 3


def _refuse_batches(_module: torch.nn.Module, args: tuple[torch.Tensor, ...]) -> None:
    if args[0].shape[0] > 2:
        raise RuntimeError("out of memory")


def test_pickles_are_refused(tiny_models, tmp_path):
    folder = shutil.copytree(tiny_models.sd, tmp_path / "pickled")
    (folder / "unet" / "extra.bin").write_bytes(b"")
    with pytest.raises(BadFile, match="pickle"):
        load_card(str(folder)).identity()


def test_missing_weights_are_named(tiny_models, tmp_path):
    folder = shutil.copytree(tiny_models.sd, tmp_path / "missing")
    (folder / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    with pytest.raises(BadFile, match="does not load"):
        load_generator(load_card(str(folder)), "cpu")


def test_an_incomplete_folder_is_no_model(tiny_models, tmp_path):
    folder = shutil.copytree(tiny_models.sd, tmp_path / "incomplete")
    shutil.rmtree(folder / "vae")
    with pytest.raises(BadFile, match="not a complete"):
        load_card(str(folder))


def test_the_identity_follows_the_weights(tiny_models, tmp_path):
    folder = shutil.copytree(tiny_models.sd, tmp_path / "sd")
    before = load_card(str(folder)).identity()
    assert before == load_card(str(tiny_models.sd)).identity()
    index = json.loads((folder / "unet" / "config.json").read_text())
    (folder / "unet" / "config.json").write_text(json.dumps(index | {"note": "changed"}))
    assert load_card(str(folder)).identity() != before


def test_sdxl_without_a_gpu_says_what_it_needs(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    card = load_card("sdxl")
    with pytest.raises(MissingRequirement, match=r"10 GB.*--device cpu"):
        resolve_device("auto", card.title, card.min_gpu_gb)
    assert resolve_device("cpu", card.title, card.min_gpu_gb) == "cpu"


def test_no_network_is_one_line(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    card = load_card("sdxl").model_copy(update={"source": "copycat-tests/no-such-repository"})
    with pytest.raises(MissingRequirement, match="check the network"):
        load_generator(card, "cpu")
