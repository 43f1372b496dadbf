"""Weights, embeddings and the denoiser changed by mitigations, on the menagerie and a tiny SDXL pipeline."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from copycat.cards.hooks import Conditioning, DenoiseStep, chain
from copycat.cards.models import ModelCard, load_card
from copycat.diffusion.denoising import denoising
from copycat.errors import BadFile, UserError
from copycat.generators.base import Generator, ModelVariant, load_generator
from copycat.mitigations import Composition, denoiser_key, parse
from copycat.mitigations.base import RunContext
from copycat.records import Request
from copycat.subjects.characters import Character
from tests.contracts.test_mitigations import REGISTRY
from tests.helpers import edits
from tests.helpers.edits import MADE


@dataclass(frozen=True)
class Model:
    """A model, a character that it is asked for, and a token of that character's prompt."""

    card: ModelCard
    plain: Generator
    token: str
    width: int

    def requests(self, spec: str, kept: dict[str, Conditioning], words: str = "Zori") -> list[Request]:
        """Two pictures under the mitigation `spec`."""
        composition = parse(spec).bind(RunContext(REGISTRY))
        raw = Request(
            model=self.card.identity(), character="zori", prompt_set="name", run_seed=0, seed=1,
            mitigation=spec, source_prompt=words, prompt=words, sampling=self.card.sampling,
        )  # fmt: skip
        keep: Any = lambda c: kept.update({c.sha: c})  # noqa: E731
        both = [raw, raw.model_copy(update={"seed": 2})]
        return [composition.apply(r, REGISTRY["zori"], keep=keep).with_id() for r in both]

    def draw(self, spec: str, words: str = "Zori") -> list[bytes]:
        """The pictures of those requests, as a stage would draw them."""
        kept: dict[str, Conditioning] = {}
        requests = self.requests(spec, kept, words)
        composition = parse(spec)
        made = composition.weight_edits(self.card.identity())
        variant = ModelVariant(self.card, made)
        assert {r.variant for r in requests} == {variant.identity}
        generator = variant.load("cpu") if made else self.plain
        hook = composition.denoiser(requests[0])
        outcomes = generator.generate(requests, conditionings=kept, denoise=hook)
        assert [o.error for o in outcomes] == [None, None]
        return [o.image.tobytes() for o in outcomes if o.image]


@pytest.fixture(scope="module", params=["menagerie", "sdxl"])
def model(request: pytest.FixtureRequest, tiny_models: Any) -> Iterator[Model]:
    torch.set_num_threads(1)
    name = request.param
    card = load_card("menagerie" if name == "menagerie" else str(tiny_models.sdxl))
    card = card.model_copy(update={"sampling": card.sampling.model_copy(update={"steps": 2})})
    with load_generator(card, "cpu") as plain:
        yield Model(card, plain, *(("z", 128) if name == "menagerie" else ("zori", 16)))


@pytest.fixture(autouse=True)
def catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COPYCAT_CACHE", str(tmp_path / "cache"))
    edits.install(monkeypatch)
    MADE.clear()


def test_each_changes_the_picture_composes_and_leaves_the_model_as_it_was(model: Model) -> None:
    before = model.draw("none"), model.draw("negprompt")
    token = f"test-token[token={model.token},width={model.width}]"
    found = {spec: model.draw(spec) for spec in ("test-scale", token, "test-push")}
    found |= {f"{spec}+negprompt": model.draw(f"{spec}+negprompt") for spec in list(found)}
    everything = f"test-scale+{token}+test-push+negprompt"
    found[everything] = model.draw(everything)
    drawn = [*before, *found.values()]
    assert len({tuple(pictures) for pictures in drawn}) == len(drawn), "each does something of its own"
    assert {s: model.draw(s) for s in found} == found, "and the same again"
    assert (model.draw("none"), model.draw("negprompt")) == before, "bit for bit"


def test_each_leaves_a_step_with_what_it_did(model: Model) -> None:
    kept: dict[str, Conditioning] = {}
    spec = f"test-scale+test-token[token={model.token},width={model.width}]+test-push"
    request = model.requests(spec, kept)[0]
    (edit,) = parse(spec).weight_edits(model.card.identity())
    assert [(s.name, s.result) for s in request.provenance] == [
        ("test-scale", {"hook": "edit_model", "identity": edit.identity}),
        ("test-token", {"hook": "edit_conditioning", "identity": request.conditioning}),
        ("test-push", {"hook": "denoise", "identity": ""}),
    ]
    assert list(kept) == [request.conditioning]
    plain = model.requests("none", {})[0]
    assert (plain.variant, plain.conditioning, denoiser_key(plain)) == ("", "", "")
    ids = {
        model.requests(s, {})[0].model_copy(update={"mitigation": ""}).with_id().id for s in spec.split("+")
    }
    assert len({*ids, plain.model_copy(update={"mitigation": ""}).with_id().id}) == 4
    strong = model.requests("test-push[by=0.4]", {})[0]
    assert denoiser_key(strong) != denoiser_key(request)


def test_an_edit_is_computed_once_and_what_computing_changes_is_thrown_away(
    model: Model, tmp_path: Path
) -> None:
    first = model.draw("test-scale")
    assert len(MADE) == 1
    assert model.draw("test-scale") == first, "from the cache"
    assert len(MADE) == 1
    twice = model.draw("test-scale+test-scale[by=0.25]")
    assert len(MADE) == 2, "the second finds other weights than it would alone"
    assert twice != first
    assert {p.name for p in (tmp_path / "cache" / "edits").iterdir()} == set(MADE)
    assert model.draw("test-scale[by=1]") == model.draw("none")
    # Options, base weights and order are all part of what a variant is.
    specs = ("test-scale", "test-scale[by=0.25]", "test-scale+test-scale[by=0.25]")
    specs = (*specs, "test-scale[by=0.25]+test-scale")
    made = [ModelVariant(model.card, parse(s).weight_edits(b)).identity for s in specs for b in ("a", "b")]
    assert len(set(made)) == 8
    assert ModelVariant(model.card).identity == ""


def test_a_kill_leaves_no_half_cache(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (edit,) = parse("test-scale").weight_edits(model.card.identity())

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(edits.ScaledProjection, "make", interrupted)
        with pytest.raises(KeyboardInterrupt):
            load_generator(model.card, "cpu", [edit])
    assert not edit.folder.exists()
    # After a kill that nothing could clean up, what lies there is in nobody's way.
    (edit.folder.parent / f".{edit.identity}.left").mkdir()
    with load_generator(model.card, "cpu", [edit]):
        assert edit.folder.is_dir()


def test_another_process_that_was_faster_is_no_error(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    (edit,) = parse("test-scale").weight_edits(model.card.identity())
    make = edits.ScaledProjection.make

    def overtaken(self: edits.ScaledProjection, pipeline: Any, folder: Path, card: ModelCard) -> None:
        make(self, pipeline, folder, card)
        shutil.copytree(folder, self.folder)

    monkeypatch.setattr(edits.ScaledProjection, "make", overtaken)
    assert model.draw("test-scale") != model.draw("none")
    assert [p.name for p in edit.folder.parent.iterdir()] == [edit.identity]


def test_an_edit_stands_when_the_gate_is_shut(model: Model) -> None:
    shut = model.requests("gate+test-scale+test-push", {}, "a teapot")[0]
    open_ = model.requests("gate+test-scale+test-push", {}, "Zori")[0]
    assert shut.variant == open_.variant != ""
    assert (bool(denoiser_key(shut)), bool(denoiser_key(open_))) == (False, True)
    assert parse("gate+test-scale+test-push").denoiser(shut) is None


def test_token_embeddings_of_one_request_are_not_its_neighbours(model: Model) -> None:
    kept: dict[str, Conditioning] = {}
    token = f"test-token[token={model.token},width={model.width}]"
    changed, other = model.requests(token, kept)
    vectors = {"text_encoder": {model.token: torch.ones(model.width)}}
    second = Conditioning(tokens=vectors)
    mixed = [changed, other.model_copy(update={"conditioning": second.sha})]
    alone = [model.plain.generate([r], conditionings={**kept, second.sha: second})[0].image for r in mixed]
    together = model.plain.generate(mixed, conditionings={**kept, second.sha: second})
    assert [o.image and o.image.tobytes() for o in together] == [i and i.tobytes() for i in alone]
    with pytest.raises(BadFile, match="was not loaded"):
        model.plain.generate([changed])
    unknown = Conditioning(tokens={"text_encoder": {"no such token": torch.ones(model.width)}})
    lost = changed.model_copy(update={"conditioning": unknown.sha})
    with pytest.raises(UserError, match="is not one token"):
        model.plain.generate([lost], conditionings={unknown.sha: unknown})


def test_prompt_embeddings_stand_in_for_the_words(model: Model) -> None:
    pipeline: Any = model.plain._pipeline  # type: ignore[attr-defined]
    guided = {"device": "cpu", "num_images_per_prompt": 1, "do_classifier_free_guidance": True}
    with torch.no_grad():
        encoded = pipeline.encode_prompt(prompt="Kamo", negative_prompt="", **guided)
    names = (
        "prompt_embeds",
        "negative_prompt_embeds",
        "pooled_prompt_embeds",
        "negative_pooled_prompt_embeds",
    )
    embeds = {n: e[0] for n, e in zip(names, encoded, strict=False)}
    given = Conditioning(embeds=embeds)
    asked = [
        r.model_copy(update={"conditioning": given.sha, "prompt": "ignored"})
        for r in model.requests("none", {})
    ]
    drawn = model.plain.generate(asked, conditionings={given.sha: given})
    assert [o.error for o in drawn] == [None, None]
    assert [o.image and o.image.tobytes() for o in drawn] == model.draw("none", "Kamo")
    # A negative prompt in words goes with the embeddings, unless they bring one of their own.
    positive = Conditioning(embeds={n: e for n, e in embeds.items() if not n.startswith("negative")})
    asked = [
        r.model_copy(update={"conditioning": positive.sha}) for r in model.requests("negprompt", {}, "Kamo")
    ]
    steered = model.plain.generate(asked, conditionings={positive.sha: positive})
    assert [o.image and o.image.tobytes() for o in steered] == model.draw("negprompt", "Kamo")


def test_a_conditioning_is_named_after_its_content(tmp_path: Path) -> None:
    tensors = {"prompt_embeds": torch.randn(3, 4).half(), "prompt_attention_mask": torch.tensor([1, 1, 0])}
    whole = Conditioning(embeds=tensors)
    path = whole.write(tmp_path / "made")
    assert path.name == f"{whole.sha}.safetensors"
    again = Conditioning.read(tmp_path / "made", whole.sha)
    assert again.sha == whole.sha
    assert all(torch.equal(again.embeds[n], t) for n, t in tensors.items())
    others = [
        Conditioning(embeds={**tensors, "prompt_embeds": tensors["prompt_embeds"].bfloat16()}),
        Conditioning(embeds={"prompt_embeds": tensors["prompt_embeds"]}),
        Conditioning(tokens={"text_encoder": {"a/b": torch.ones(4)}}),
        Conditioning(tokens={"text_encoder_2": {"a/b": torch.ones(4)}}),
    ]
    assert len({whole.sha, *(c.sha for c in others)}) == 5
    others[2].write(tmp_path)
    assert list(Conditioning.read(tmp_path, others[2].sha).tokens["text_encoder"]) == ["a/b"]
    path.write_bytes(others[2].write(tmp_path).read_bytes())
    with pytest.raises(BadFile, match="does not hold what its name says"):
        Conditioning.read(path.parent, whole.sha)
    path.write_bytes(b"torn")
    with pytest.raises(BadFile, match="cannot be read"):
        Conditioning.read(path.parent, whole.sha)
    with pytest.raises(UserError, match="either"):
        Conditioning()


def test_the_denoiser_is_as_it_was_also_after_an_error(model: Model) -> None:
    unet = model.plain._pipeline.unet  # type: ignore[attr-defined]

    def broken(step: DenoiseStep) -> torch.Tensor:
        raise RuntimeError("no")

    requests = model.requests("none", {})
    before = model.draw("none")
    assert [o.outcome for o in model.plain.generate(requests, denoise=broken)] == ["error", "error"]
    assert "forward" not in vars(unet)
    same = model.plain.generate(requests, denoise=lambda step: step.predict())
    assert [o.image and o.image.tobytes() for o in same] == before
    with denoising(model.plain._pipeline, requests, None):  # type: ignore[attr-defined]
        assert "forward" not in vars(unet)


def test_hooks_are_asked_from_left_to_right() -> None:
    step = DenoiseStep(torch.ones(1), 0, (), {}, lambda s: s.latents)
    add, double = (lambda s: s.predict() + 1), (lambda s: s.predict() * 2)
    assert chain([add, double])(step).item() == 4
    assert chain([double, add])(step).item() == 3
    shifted = chain([add, lambda s: s.predict(latents=s.latents + 10)])
    assert shifted(replace(step, latents=torch.zeros(1))).item() == 11


def test_a_model_that_runs_elsewhere_is_out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    for spec in ("test-scale", "test-token[token=zori]", "test-push"):
        with pytest.raises(UserError, match="runs elsewhere"):
            parse(f"rewrite+{spec}").bind(RunContext(REGISTRY, hosted=True))
    card = load_card("gpt-image-1")
    with pytest.raises(UserError, match="out of reach"):
        load_generator(card, "cpu", parse("test-scale").weight_edits("m"))
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    with load_generator(card, "cpu") as hosted, pytest.raises(UserError, match="out of reach"):
        hosted.generate([], denoise=lambda step: step.predict())


def test_a_character_is_what_the_hooks_are_told(model: Model) -> None:
    told: list[Character] = []

    class Listening(edits.Token):
        def edit_conditioning(self, request: Any, character: Character, conditioning: Any) -> Any:
            told.append(character)

    composition = Composition("x", [Listening(edits.TokenOptions(token="z"))])
    made = composition.apply(model.requests("none", {})[0], REGISTRY["kamo"])
    assert [c.slug for c in told] == ["kamo"]
    assert (made.conditioning, made.provenance) == ("", ())
