"""SPM: adapters, gate and anchors by hand, what is transferred, and what a prompt opens."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from copycat.cards.models import load_card
from copycat.diffusion.tap import Call, Tap, predict
from copycat.errors import UserError
from copycat.generators.pipelines import load_pipeline
from copycat.mitigations import parse
from copycat.mitigations.base import RunContext
from copycat.mitigations.erasure.delta import parameters, read_card
from copycat.mitigations.erasure.permeable import Adapter, Gate, attach, merge
from copycat.mitigations.erasure.spm import anchors
from copycat.stages.erase import erased_pipeline, erasing
from tests.contracts.test_mitigations import REGISTRY

QUICK = "spm[iterations=3,steps=2,pictures=1,lr=0.05]"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COPYCAT_CACHE", str(tmp_path / "cache"))
    torch.set_num_threads(1)


def test_an_adapter_adds_a_matrix_of_rank_one_for_each_concept_as_far_as_it_is_open() -> None:
    net = nn.Sequential(nn.Linear(2, 3))
    x = torch.tensor([[[1.0, 2.0]], [[3.0, -1.0]]])
    plain = net(x)
    adapter = Adapter(
        torch.tensor([[1.0, 0.0], [0.0, 2.0]]), torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]])
    )
    attach(net, {"0": adapter})
    whole = copy.deepcopy(net)
    # x · down is (1, 4) for the first row, and (3, -2) for the second.
    assert torch.allclose(net(x) - plain, torch.tensor([[[1.0, 4.0, 4.0]], [[3.0, -2.0, -2.0]]]))
    adapter.gates = torch.tensor([[0.0, 0.5], [1.0, 0.0]])
    assert torch.allclose(net(x) - plain, torch.tensor([[[0.0, 2.0, 2.0]], [[3.0, 0.0, 0.0]]]))
    # A copy of the network has gates of its own.
    assert torch.allclose(whole(x) - plain, torch.tensor([[[1.0, 4.0, 4.0]], [[3.0, -2.0, -2.0]]]))
    bare = nn.Sequential(nn.Linear(2, 3))
    bare[0].load_state_dict({"weight": net[0].weight, "bias": net[0].bias})
    merge(bare, {"0": adapter})
    assert torch.allclose(bare(x), whole(x), atol=1e-6)


def test_the_gate_is_the_cosine_against_the_empty_prompt_and_shut_for_that() -> None:
    empty = torch.tensor([1.0, 1.0])
    gate = Gate(torch.tensor([[2.0, 1.0], [1.0, 3.0]]), empty)
    texts = torch.tensor(
        [[[4.0, 1.0], [4.0, 1.0]], [[1.0, 1.0], [1.0, 1.0]], [[1.5, 1.5], [2.5, 2.5]], [[0.0, 1.0]] * 2]
    )
    half = 0.5**0.5
    found = gate(texts)
    assert torch.allclose(found, torch.tensor([[1.0, 0.0], [0.0, 0.0], [half, half], [0.0, 0.0]]), atol=1e-6)


def test_anchors_are_about_as_long_as_the_name_and_all_else_is_as_it_was() -> None:
    words = torch.tensor([[[3.0, 0.0], [0.0, 4.0]]])
    at = Call(
        torch.ones(1, 4, 2, 2), torch.tensor(9), {"words": words, "pooled": torch.ones(1, 3), "none": None}
    )
    empty = Call(at.latents, at.timestep, {**at.arguments, "words": words * 0})
    made = anchors(at, empty, 200, 5)
    lengths = made.arguments["words"].flatten(1).norm(dim=1)
    assert made.latents.shape == (200, 4, 2, 2)
    assert made.arguments["pooled"].shape == (200, 3)
    assert made.arguments["none"] is None
    assert 4.0 <= lengths.min() < 4.1
    assert 5.9 < lengths.max() <= 6.0
    assert torch.equal(made.arguments["words"], anchors(at, empty, 200, 5).arguments["words"])
    assert torch.equal(at.arguments["words"], words)


@pytest.fixture(scope="module")
def erased(tiny_models: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The tiny SD model, as it was and with Zori erased, and the folder of the adapters."""
    out = tmp_path_factory.mktemp("spm")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COPYCAT_CACHE", str(out / "cache"))
        card = load_card(str(tiny_models.sd))
        edit = erasing(card, REGISTRY, REGISTRY.characters[:1], QUICK)
        told = erased_pipeline(card, edit, out / "adapters", "cpu")
        return (
            card,
            load_pipeline(card, "cpu"),
            load_pipeline(card, "cpu", edits=[edit]),
            out / "adapters",
            told,
        )


def test_no_weight_of_the_model_changes(erased: Any) -> None:
    _, plain, guarded, *_ = erased
    before, after = parameters(plain), parameters(guarded)
    assert all(torch.equal(after[name], weight) for name, weight in before.items())
    added = after.keys() - before.keys()
    assert added
    assert all(".permeable." in name for name in added)


def test_training_brings_the_prediction_under_the_name_to_the_other_side_and_keeps_that_under_anchors(
    tiny_models: Any,
) -> None:
    card = load_card(str(tiny_models.sd))
    spec = "spm[iterations=60,steps=2,pictures=1,lr=0.02,anchoring=1,batch=2]"
    edit = erasing(card, REGISTRY, REGISTRY.characters[:1], spec)
    plain, guarded = load_pipeline(card, "cpu"), load_pipeline(card, "cpu", edits=[edit])
    tap, name = Tap(plain, card, steps=2), REGISTRY.characters[0].name
    named, empty = (tap.arguments([prompt]) for prompt in (name, ""))
    concept, nothing = (predict(plain.unet, at) for at in (named, empty))
    target = nothing - (concept - nothing)
    after = predict(guarded.unet, named)
    assert (after - target).square().mean() < 0.5 * (concept - target).square().mean()
    losses = read_card(edit.folder).losses
    assert sum(losses["erase"][-10:]) < sum(losses["erase"][:10])
    assert sum(losses["anchor"][-10:]) < sum(losses["erase"][:10])


def test_adapters_are_shut_for_the_empty_prompt_and_open_for_the_name(erased: Any) -> None:
    card, plain, guarded, *_ = erased
    moved = {}
    for prompt in ("", REGISTRY.characters[0].name):
        at = Tap(plain, card, steps=2).arguments([prompt])
        before, after = (predict(p.unet, at) for p in (plain, guarded))
        moved[prompt] = float((after - before).abs().max())
    assert moved.pop("") == 0
    assert min(moved.values()) > 1e-4


def test_rows_of_a_call_are_gated_each_for_itself(erased: Any) -> None:
    card, _, guarded, *_ = erased
    tap = Tap(guarded, card, steps=2)
    name = REGISTRY.characters[0].name
    together = predict(guarded.unet, tap.arguments([name, "", name]))
    for row, prompt in enumerate([name, "", name]):
        alone = predict(guarded.unet, tap.arguments([prompt]))
        assert torch.allclose(together[row], alone[0], atol=1e-5)


def test_what_erase_writes_is_adapters_that_another_run_or_model_can_use(
    erased: Any, tiny_models: Any
) -> None:
    card, _, guarded, folder, told = erased
    assert f"spm[adapters={folder}]" in told
    assert sorted(p.name for p in folder.iterdir()) == ["delta.safetensors", "erasure.json"]
    context = RunContext(REGISTRY, characters=REGISTRY.characters[:1])
    (edit,) = parse(f"spm[adapters={folder}]").bind(context).weight_edits("another@1")
    again = load_pipeline(card, "cpu", edits=[edit])
    at = Tap(guarded, card, steps=2).arguments([REGISTRY.characters[0].name])
    assert torch.equal(predict(again.unet, at), predict(guarded.unet, at))
    other = load_card(str(tiny_models.sdxl))
    with pytest.raises(UserError, match="another shape"):
        load_pipeline(other, "cpu", edits=[edit])


def test_a_folder_without_adapters_is_refused(tiny_models: Any, tmp_path: Path) -> None:
    card = load_card(str(tiny_models.sd))
    edit = erasing(card, REGISTRY, REGISTRY.characters[:1], "uce")
    edit.make(load_pipeline(card, "cpu"), tmp_path, card)
    context = RunContext(REGISTRY, characters=REGISTRY.characters[:1])
    with pytest.raises(UserError, match="no adapters of spm"):
        parse(f"spm[adapters={tmp_path}]").bind(context)
    with pytest.raises(UserError, match="holds no erasure"):
        parse(f"spm[adapters={tmp_path / 'nowhere'}]").bind(context)


def test_adapters_of_somebody_else_are_refused(erased: Any) -> None:
    folder = erased[3]
    context = RunContext(REGISTRY, characters=REGISTRY.characters[:2])
    first, second = (c.slug for c in context.characters)
    with pytest.raises(UserError, match=f"adapters for {first}, and none for {second}"):
        parse(f"spm[adapters={folder}]").bind(context)


def test_without_its_gate_it_is_a_model_of_its_own(tiny_models: Any, tmp_path: Path) -> None:
    card = load_card(str(tiny_models.sd))
    edit = erasing(card, REGISTRY, REGISTRY.characters[:1], QUICK.replace("]", ",gate=false]"))
    assert "copycat run --model" in erased_pipeline(card, edit, tmp_path / "out", "cpu")
    written = load_pipeline(load_card(str(tmp_path / "out")), "cpu")
    plain = load_pipeline(card, "cpu")
    at = Tap(plain, card, steps=2).arguments([REGISTRY.characters[0].name])
    assert not torch.equal(predict(written.unet, at), predict(plain.unet, at))
