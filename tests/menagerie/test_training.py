"""Training: resumes to the same weights, asks what the judge's code asks, copies the text encoder whole."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import torch
from torch import nn

from copycat.errors import UserError
from copycat.measures.questions import IDENTIFY, KEY, VERIFY
from copycat.menagerie.build import Build
from copycat.menagerie.train import denoiser, encoder, judge
from copycat.menagerie.train.loop import Loop
from copycat.menagerie.train.recipe import RECIPES
from copycat.menagerie.world import make_inhabitants
from copycat.subjects.characters import load_registry


class Stopped(Exception):
    """Stands for a power cut."""


def _train(work: Path, stop_at: int | None) -> torch.Tensor:
    torch.manual_seed(0)
    model = nn.Linear(4, 1)

    def prepare(g: torch.Generator) -> torch.Tensor:
        return torch.randn(8, 4, generator=g)

    def loss(x: torch.Tensor) -> torch.Tensor:
        return (model(x) - x.sum(1, keepdim=True)).square().mean()

    def cut(step: int) -> None:
        if step == stop_at:
            loop._save()
            raise Stopped

    loop = Loop("toy", {"model": model}, steps=30, lr=1e-2, work=work, after_step=cut)
    if stop_at is not None:
        # The step counter moves after the hook, so the saved state is that of a finished step.
        with pytest.raises(Stopped):
            loop.run(prepare, loss)
        saved = torch.load(work / "toy.ckpt", weights_only=True)
        torch.save({**saved, "step": saved["step"] + 1}, work / "toy.ckpt")
        return _train(work, None)
    loop.run(prepare, loss)
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def test_a_resumed_training_ends_with_the_same_weights(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    whole, cut = _train(tmp_path / "a", None), _train(tmp_path / "b", 12)
    assert torch.equal(whole, cut)
    assert not (tmp_path / "b" / "toy.ckpt").exists()


def test_batches_are_prepared_while_the_device_works(tmp_path: Path) -> None:
    """Preparing the batch after next begins before the step at hand is done; the same numbers come of it."""
    weight, begun, late = nn.Parameter(torch.zeros(1)), [threading.Event() for _ in range(6)], []
    given: list[float] = []

    def prepare(g: torch.Generator) -> torch.Tensor:
        begun[sum(event.is_set() for event in begun)].set()
        return torch.rand(1, generator=g)

    def loss(x: torch.Tensor) -> torch.Tensor:
        given.append(x.item())
        late.append(not begun[min(len(given), 5)].wait(20))
        return (weight * x).sum()

    module = nn.ParameterDict({"weight": weight})
    Loop("toy", {"m": module}, steps=6, lr=1e-2, work=tmp_path, seed=3).run(prepare, loss)
    assert late == [False] * 6
    assert given == [torch.rand(1, generator=_step(3 * 1_000_003 + i)).item() for i in range(6)]


def _step(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_a_batch_that_cannot_be_prepared_ends_the_training(tmp_path: Path) -> None:
    def prepare(g: torch.Generator) -> torch.Tensor:
        raise Stopped

    loop = Loop("toy", {"m": nn.Linear(1, 1)}, steps=6, lr=1e-2, work=tmp_path)
    with pytest.raises(Stopped):
        loop.run(prepare, lambda x: x)


@pytest.fixture(scope="module")
def towers() -> tuple[object, object, object]:
    tokenizer = encoder.train_tokenizer(["a red cat with blue crown, Zorimo in the snow"] * 5)
    text, vision = encoder.build(tokenizer)
    return tokenizer, text.eval(), vision.eval()


def test_a_build_in_the_folder_of_another_recipe_is_refused_and_deletes_nothing(tmp_path: Path) -> None:
    Build(RECIPES["full"], tmp_path / "work", tmp_path, tmp_path)
    (tmp_path / "work" / "judge.ckpt").touch()
    with pytest.raises(UserError, match="another recipe"):
        Build(RECIPES["smoke"], tmp_path / "work", tmp_path, tmp_path)
    assert (tmp_path / "work" / "judge.ckpt").is_file()


def test_the_judge_is_trained_on_the_very_questions_that_measures_ask() -> None:
    """Word for word those that the shipped weights were trained on."""
    assert judge.question(IDENTIFY) == "Which character is in this picture? Answer with the name, or None."
    assert judge.question(VERIFY, name="Zorimo") == "Is Zorimo in this picture? Answer Yes or No."
    for key, shown in (("owl", "an owl"), ("red cat", "a red cat"), ("the moon", "the moon")):
        assert judge.question(KEY, key=key) == f"Does this picture show {shown}? Answer Yes or No."
    registry = load_registry("menagerie")
    for character in registry.characters[:5]:
        asked = {ask: ask.render(registry, character, None, references=0) for ask in (IDENTIFY, VERIFY, KEY)}
        assert asked[IDENTIFY] == judge.question(IDENTIFY)
        assert asked[VERIFY] == judge.question(VERIFY, name=character.name)
        assert asked[KEY] == judge.question(KEY, key=character.key)


def test_the_judge_is_trained_on_the_text_its_chat_template_gives(towers: tuple[object, ...]) -> None:
    _, processor = judge.build(make_inhabitants(), towers[2])
    from PIL import Image

    question = judge.question(IDENTIFY)
    content = [{"type": "image", "image": Image.new("RGB", (32, 32))}, {"type": "text", "text": question}]
    asked = processor.apply_chat_template(
        [{"role": "user", "content": content}],
        tokenize=True,
        add_generation_prompt=True,
        return_dict=True,
        return_tensors="pt",
    )
    trained = processor.tokenizer(judge.rendered(question), add_special_tokens=False)["input_ids"]
    assert asked["input_ids"][0].tolist() == trained
    assert processor.tokenizer.unk_token_id not in trained


def test_the_pipeline_conditions_on_the_trained_text_features(towers: tuple[object, ...]) -> None:
    from copycat.menagerie.train import autoencoder

    tokenizer, text, _ = towers
    pipe = denoiser.assemble(autoencoder.build(), text, tokenizer, denoiser.build())
    ids = encoder.tokenise(tokenizer, ["red cat, Zorimo"])
    with torch.no_grad():
        assert torch.equal(pipe.text_encoder(ids)[0], text(ids).last_hidden_state)


def test_the_generator_has_a_pass_without_and_a_pass_with_mislabelled_names(
    towers: tuple[object, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from copycat.menagerie.train import autoencoder

    tokenizer, text, _ = towers
    seen: list[tuple[str, int]] = []
    train = denoiser.train

    def noted(
        unet: object, text: object, tokenizer: object, data: denoiser.Captioned, *how: object
    ) -> object:
        seen.append((how[-1].name, len(data.captions)))  # type: ignore[attr-defined]
        return train(unet, text, tokenizer, data, *how)  # type: ignore[arg-type]

    monkeypatch.setattr(denoiser, "train", noted)
    build = Build(RECIPES["smoke"], tmp_path / "work", tmp_path, tmp_path)
    ids = encoder.tokenise(tokenizer, ["Zorimo"] * 8)
    pixels = torch.zeros(8, 32, 32, 3, dtype=torch.uint8)

    def run() -> None:
        build._generator(pixels, ids, 5, tokenizer, text, autoencoder.build())

    run()
    assert seen == [("denoiser", 5), ("denoiser-loose", 8)]
    assert set(build._seconds()) == {"generator", "generator-loose"}
    run()
    assert len(seen) == 2, "a finished stage is not done again"
    (tmp_path / "work" / "generator" / "done").unlink()
    run()
    assert seen[2:] == [("denoiser-loose", 8)], "the first pass is kept"
