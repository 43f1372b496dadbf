"""What every eraser keeps to, on the menagerie and on tiny pipelines of the SD and SDXL classes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from copycat.cards.models import ModelCard, load_card
from copycat.errors import BadFile, UserError
from copycat.generators.pipelines import load_pipeline
from copycat.mitigations import CATALOG, parse
from copycat.mitigations.base import RunContext
from copycat.mitigations.erasure.base import Eraser
from copycat.mitigations.erasure.delta import parameters, read_card
from copycat.subjects.characters import load_registry
from tests.contracts.test_mitigations import REGISTRY
from tests.helpers import tiny_pipelines

QUICK = {
    "uce": "", "rece": "rounds=1", "esd": "iterations=1,steps=2",
    "advunlearn": "iterations=2,warmup=1,attack_steps=2,steps=2,retained=1,lr=0.01",
    "spm": "iterations=2,steps=2,pictures=1,lr=0.01",
    "doco": "iterations=2,warmup=1,batch=2,pictures=4,steps=2",
}  # fmt: skip
"""Options that make each as short as it can be."""
TRAINED = {
    "uce": "unet.",
    "rece": "unet.",
    "esd": "unet.",
    "advunlearn": "text_encoder",
    "doco": "unet.",
    "spm": "unet.",
}
"""Begin of the names of what each may change."""
ERASERS = [n for n in CATALOG.names() if issubclass(CATALOG.get(n), Eraser)]


def test_every_eraser_is_tested() -> None:
    assert sorted(ERASERS) == sorted(QUICK) == sorted(TRAINED)


@pytest.fixture(scope="module", params=["menagerie", "sd", "sdxl"])
def world(request: pytest.FixtureRequest, tiny_models: Any) -> tuple[ModelCard, RunContext]:
    if request.param == "menagerie":
        registry = load_registry("menagerie")
        return load_card("menagerie"), RunContext(registry, characters=registry.characters[:1])
    folder = getattr(tiny_models, request.param)
    return load_card(str(folder)), RunContext(REGISTRY, characters=REGISTRY.characters[:1])


def _edit(name: str, world: tuple[ModelCard, RunContext]) -> Any:
    card, context = world
    (edit,) = (
        parse(f"{name}[{QUICK[name]}]" if QUICK[name] else name).bind(context).weight_edits(card.identity())
    )
    return edit


def _state(pipeline: Any) -> dict[str, torch.Tensor]:
    return {n: p.detach().clone() for n, p in parameters(pipeline).items()}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COPYCAT_CACHE", str(tmp_path / "cache"))
    torch.set_num_threads(1)


@pytest.mark.parametrize("name", ERASERS)
def test_contract(name: str, world: Any, tmp_path: Path) -> None:
    edit, card = _edit(name, world), world[0]
    before = _state(load_pipeline(card, "cpu"))
    edit.make(load_pipeline(card, "cpu"), tmp_path, card)
    told = read_card(tmp_path)
    assert told.identity == edit.identity
    assert told.trained > 0
    assert all(len(v) and all(x == x for x in v) for v in told.losses.values())
    erased = load_pipeline(card, "cpu", edits=[_kept(edit, tmp_path)])
    after = _state(erased)
    changed = {n for n, p in after.items() if n not in before or not torch.equal(p, before[n])}
    assert changed
    assert all(n.startswith(TRAINED[name]) for n in changed), changed
    assert all(torch.isfinite(p).all() for p in after.values())
    again = tmp_path / "again"
    again.mkdir()
    edit.make(load_pipeline(card, "cpu"), again, card)
    repeated = _state(load_pipeline(card, "cpu", edits=[_kept(edit, again)]))
    assert all(torch.equal(after[n], repeated[n]) for n in after), "not reproducible"


@pytest.mark.parametrize(
    "spec",
    [
        "esd[iterations=2,steps=2,sampled=once,pictures=2,batch=3]",
        "advunlearn[iterations=2,warmup=1,attack_steps=2,steps=2,retained=3,batch=2,sampled=once,pictures=2]",
        "doco[iterations=2,warmup=0,batch=3,pictures=4,steps=2,surgery=none]",
    ],
)
def test_batches_and_latents_drawn_once_learn_and_repeat(spec: str, world: Any, tmp_path: Path) -> None:
    card, context = world
    (edit,) = parse(spec).bind(context).weight_edits(card.identity())
    found = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        edit.make(load_pipeline(card, "cpu"), tmp_path / name, card)
        losses = read_card(tmp_path / name).losses
        assert ("keep" in losses) == spec.startswith("adv"), "only what is trained for is computed"
        assert all(x == x for values in losses.values() for x in values)
        found.append(_state(load_pipeline(card, "cpu", edits=[_kept(edit, tmp_path / name)])))
    before = _state(load_pipeline(card, "cpu"))
    assert any(not torch.equal(before[n], p) for n, p in found[0].items())
    assert all(torch.equal(found[0][n], found[1][n]) for n in before)


def _kept(edit: Any, folder: Path) -> Any:
    """`edit` with its result in `folder`."""
    if not edit.folder.exists():
        edit.folder.parent.mkdir(parents=True, exist_ok=True)
    else:
        edit.folder.unlink()
    edit.folder.symlink_to(folder)
    return edit


@pytest.mark.parametrize("name", ["uce", "esd"])
def test_a_delta_of_another_erasure_or_model_is_refused(name: str, world: Any, tmp_path: Path) -> None:
    edit, card = _edit(name, world), world[0]
    edit.make(load_pipeline(card, "cpu"), tmp_path, card)
    pipeline = load_pipeline(card, "cpu")
    with pytest.raises(BadFile, match="not the erasure that is wanted"):
        replace(edit, base="other@1").apply(pipeline, tmp_path)


def test_options_and_characters_are_part_of_the_identity(world: Any) -> None:
    _, context = world
    every = ["uce", "uce[ridge=0.4]", "uce[preserve=nothing]", "rece", "esd", "esd[seed=1]"]
    made = [parse(s).bind(context).weight_edits("m@1")[0].identity for s in every]
    other = replace(context, characters=context.registry.characters[1:2])
    made.append(parse("uce").bind(other).weight_edits("m@1")[0].identity)
    named = f"uce[characters={context.registry.characters[1].slug}]"
    assert parse(named).bind(context).weight_edits("m@1")[0].identity == made[-1]
    assert len(set(made)) == len(made)


def test_options_that_suit_a_model_stand_where_the_user_names_none(world: Any) -> None:
    _, context = world
    suited = replace(context, erasers={"esd": {"lr": 0.5, "steps": 7}})

    def told(spec: str, where: RunContext) -> Any:
        (edit,) = parse(spec).bind(where).weight_edits("m@1")
        return edit

    assert told("esd", suited).options["lr"] == 0.5
    assert told("esd", suited).identity == told("esd[lr=0.5,steps=7]", context).identity
    assert told("esd", suited).identity != told("esd", context).identity
    named = told("esd[lr=0.25]", suited).options
    assert (named["lr"], named["steps"]) == (0.25, 7)
    assert told("uce", suited).identity == told("uce", context).identity
    assert parse("esd").bind(suited).parts[0].config.lr == 0.5, "what a picture's row says"
    with pytest.raises(UserError, match="card sets options of esd"):
        told("esd", replace(context, erasers={"esd": {"speed": 1}}))


def test_prompts_of_a_set_are_erased_beside_the_names() -> None:
    registry = load_registry("menagerie")
    context = RunContext(registry, characters=registry.characters[:1])

    def asked(spec: str) -> Any:
        (edit,) = parse(spec).bind(context).weight_edits("m@1")
        return edit

    (names,) = asked("uce").task.erased
    (more,) = asked("uce[prompts=keywords;name]").task.erased
    assert names.prompts == ("Hupgroqui", "Hupqui")
    assert more.prompts == ("Hupgroqui", "Hupqui", "black fairytale bear")
    assert asked("uce").identity != asked("uce[prompts=keywords]").identity
    with pytest.raises(UserError, match="prompt set"):
        asked("uce[prompts=nothing]")


def test_nobody_to_erase_is_said() -> None:
    with pytest.raises(UserError, match="no character to erase"):
        parse("uce").bind(RunContext(REGISTRY))


@pytest.mark.parametrize("build", [tiny_pipelines.build])
@pytest.mark.parametrize("name", ["uce", "rece", "doco", "spm"])
def test_a_model_that_mixes_text_and_picture_is_refused_with_what_works(
    name: str, build: Callable[[str, Path], Path], tmp_path: Path
) -> None:
    card = load_card(str(build("StableDiffusion3Pipeline", tmp_path / "sd3")))
    edit = _edit(name, (card, RunContext(REGISTRY, characters=REGISTRY.characters[:1])))
    with pytest.raises(UserError, match=r"esd\[group=u\]"):
        edit.make(load_pipeline(card, "cpu"), tmp_path, card)


@pytest.mark.parametrize("spec", ["esd[group=u,iterations=1,steps=2]", f"advunlearn[{QUICK['advunlearn']}]"])
def test_what_such_a_model_is_told_to_use_instead_can_be_used(spec: str, tmp_path: Path) -> None:
    card = load_card(str(tiny_pipelines.build("StableDiffusion3Pipeline", tmp_path / "sd3")))
    context = RunContext(REGISTRY, characters=REGISTRY.characters[:1])
    (edit,) = parse(spec).bind(context).weight_edits(card.identity())
    folder = tmp_path / "made"
    folder.mkdir()
    edit.make(load_pipeline(card, "cpu"), folder, card)
    before = _state(load_pipeline(card, "cpu"))
    after = _state(load_pipeline(card, "cpu", edits=[_kept(edit, folder)]))
    assert any(not torch.equal(p, before[n]) for n, p in after.items())
