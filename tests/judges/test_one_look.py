"""A picture is encoded once for all that is asked about it, and the answers stay what they were."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from PIL import Image

from copycat.cards.judges import load_judge_card
from copycat.io.paths import DATA
from copycat.judges import yes_no
from copycat.judges.base import load_judge
from copycat.judges.reading import PlainReading
from copycat.judges.rendering import padded
from copycat.judges.vision import joined, parted
from copycat.judges.vlm import VisionLanguageJudge
from copycat.records import Question, Unscored, Verdict, YesNo
from copycat.subjects.characters import load_registry
from tests.helpers.questions import question as one
from tests.helpers.vlm_families import FAMILIES

PICTURES = [
    Image.effect_noise((24, 16), 90).convert("RGB"),
    Image.new("RGB", (16, 24), (200, 30, 30)),
    Image.effect_noise((24, 16), 20).convert("RGB"),
]
TOWERS = ("visual", "vision_tower", "vision_model")
ROUNDING = 1e-5
"""How far P(yes) may be off in other company, in single precision."""


def question(kind: str, *references: str) -> Question:
    text = "Which character is in this picture?" if kind == "identify" else "Does this picture show an owl?"
    return one(kind, text, references=references)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    root = tmp_path_factory.mktemp("families")

    def folder(family: str) -> Path:
        if family == "smolvlm2":
            pytest.importorskip("num2words", reason="the processor of SmolVLM writes numbers in words")
        if not (root / family).exists():
            torch.manual_seed(1)
            FAMILIES[family](root / family)
        return root / family

    return folder


@pytest.fixture(autouse=True)
def _any_answer_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    # Random weights do not know that yes and no are the only answers.
    monkeypatch.setattr(yes_no, "MIN_ANSWER_PROBABILITY", 0.0)


def load(folder: Path | str, **changes: Any) -> VisionLanguageJudge:
    judge = load_judge(load_judge_card(str(folder)).model_copy(update=changes), "cpu")
    assert isinstance(judge, VisionLanguageJudge)
    return judge


@contextmanager
def looking(judge: VisionLanguageJudge) -> Iterator[list[int]]:
    """The vision tower's passes meanwhile, each as the number of patches or crops that it encoded."""
    seen: list[int] = []
    (tower,) = [t for name in TOWERS if (t := getattr(judge._model.base_model, name, None)) is not None]

    def hook(_: torch.nn.Module, args: tuple[Any, ...], given: dict[str, Any]) -> None:
        seen.append((args[0] if args else given["pixel_values"]).shape[0])

    handle = tower.register_forward_pre_hook(hook, with_kwargs=True)
    yield seen
    handle.remove()


def encoded(judge: VisionLanguageJudge, questions: Sequence[Question], images: Sequence[Any]) -> int:
    with looking(judge) as seen:
        judge.ask(questions, images)
    return sum(seen)


def plain(judge: VisionLanguageJudge, questions: Sequence[Question], images: Sequence[Any]) -> list[Verdict]:
    """Its answers where each batch of questions encodes its pictures anew."""
    shared: Any = judge._reading
    processor = shared._renderer._processor
    judge._reading = PlainReading(processor, judge._model.dtype, "cpu", judge._tokenizing)
    try:
        return judge.ask(questions, images)
    finally:
        judge._reading = shared
        shared._renderer._once.forget()


def assert_same(said: Sequence[Verdict], others: Sequence[Verdict]) -> None:
    for v, w in zip(said, others, strict=True):
        if isinstance(v.answer, YesNo) and isinstance(w.answer, YesNo):
            assert v.answer.p_yes == pytest.approx(w.answer.p_yes, abs=ROUNDING)
        else:
            assert not isinstance(v.answer, Unscored), v.answer
            assert v == w


def three(pictures: Sequence[Image.Image]) -> tuple[list[Question], list[Image.Image]]:
    """Three questions of two forms about each picture, another object each time, as opened files are."""
    kinds = ("identify", "verify", "key")
    return [question(k) for _ in pictures for k in kinds], [p.copy() for p in pictures for _ in kinds]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_picture_is_encoded_once_whatever_is_asked(family: str, folders: Callable[[str], Path]) -> None:
    judge = load(folders(family))
    assert judge.shares_pictures
    questions, images = three(PICTURES)
    once = encoded(judge, [question("key")] * 3, PICTURES)
    assert encoded(judge, questions, images) == once > 0
    with looking(judge) as seen:
        anew = plain(judge, questions, images)
    assert sum(seen) == 3 * once, "the count would tell"
    said = judge.ask(questions, images)
    assert_same(said, anew)
    assert_same(said, [judge.ask([q], [i])[0] for q, i in zip(questions, images, strict=True)])
    assert len({v.answer.p_yes for v in said if isinstance(v.answer, YesNo)}) == 3, "it looks at each picture"
    assert said == judge.ask(questions, images), "the same company, the same bits"


@pytest.mark.parametrize("family", FAMILIES)
def test_a_reference_is_encoded_once(family: str, folders: Callable[[str], Path], tmp_path: Path) -> None:
    paths = [str(tmp_path / f"{i}.png") for i in range(2)]
    for path, picture in zip(paths, PICTURES[1:], strict=True):
        picture.resize((16, 16)).save(path)
    judge = load(f"{folders(family)}[references=2]")
    shown = question("verify", *paths)
    questions = [question("key"), shown, question("identify"), shown]
    images = [PICTURES[0], PICTURES[0], PICTURES[1], PICTURES[1]]
    references = [Image.open(path).convert("RGB") for path in paths]
    if family == "llava-onevision":
        # It cuts a picture in pieces where that is the only one, so among others it is another picture.
        with_them = encoded(judge, [shown, shown], images[1::2])
        apart = encoded(judge, [question("key")] * 2, images[::2]) + with_them
    else:
        apart = encoded(judge, [question("key")] * 4, [*images[::2], *references])
    assert encoded(judge, questions * 2, images * 2) == apart
    assert_same(judge.ask(questions, images), plain(judge, questions, images))


def test_the_menageries_judge_says_what_it_said() -> None:
    world = load_registry("menagerie")
    pictures = [Image.open(DATA / c.references[0]).convert("RGB") for c in world.characters[:8]]
    judge = load("menagerie")
    assert judge.shares_pictures
    questions, images = three(pictures)
    with looking(judge) as seen:
        said = judge.ask(questions, images)
    assert seen == [8]
    assert_same(said, plain(judge, questions, images))


def test_questions_are_prepared_on_another_thread(folders: Callable[[str], Path]) -> None:
    judge = load(folders("qwen2.5-vl"))
    questions, images = three(PICTURES)
    with ThreadPoolExecutor(1) as pool:
        ahead = [pool.submit(judge.prepare, questions, images) for _ in range(4)]
        said = [judge.ask_prepared(questions, images, ready.result()) for ready in ahead]
        together = pool.submit(judge.ask, questions, images)
        assert judge.ask(questions, images) == together.result()
    assert all(some == said[0] for some in said)
    assert said[0] == judge.ask(questions, images)


def test_what_cannot_be_prepared_is_unscored_alone(folders: Callable[[str], Path], tmp_path: Path) -> None:
    judge = load(folders("gemma-3"), references=1)
    questions, images = three(PICTURES)
    whole = judge.ask(questions, images)
    images[4].close()
    (tmp_path / "broken.png").write_bytes(b"no picture")
    questions[6] = question("verify", str(tmp_path / "broken.png"))
    said = judge.ask(questions, images)
    for place, why in ((4, "closed"), (6, "broken.png")):
        answer = said[place].answer
        assert isinstance(answer, Unscored)
        assert why in answer.reason
    rest = [i for i in range(9) if i not in (4, 6)]
    assert_same([said[i] for i in rest], [whole[i] for i in rest])


def test_a_model_that_takes_no_features_encodes_anew(
    folders: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from transformers import LlavaOnevisionForConditionalGeneration as Model

    folder, (questions, images) = folders("llava-onevision"), three(PICTURES)
    said, forward = load(folder).ask(questions, images), Model.forward

    def old(self: Any, input_ids: Any = None, pixel_values: Any = None, image_sizes: Any = None,
            attention_mask: Any = None, past_key_values: Any = None, position_ids: Any = None,
            use_cache: Any = None, batch_num_images: Any = None, **rest: Any) -> Any:  # fmt: skip
        return forward(
            self, input_ids=input_ids, pixel_values=pixel_values, image_sizes=image_sizes,
            attention_mask=attention_mask, past_key_values=past_key_values, position_ids=position_ids,
            use_cache=use_cache, batch_num_images=batch_num_images, **rest,
        )  # fmt: skip

    monkeypatch.setattr(Model, "forward", old)
    with caplog.at_level(logging.WARNING, "copycat"):
        judge = load(folder)
    assert not judge.shares_pictures
    assert "encodes a picture anew for each question" in caplog.text
    assert_same(judge.ask(questions, images), said)


@pytest.mark.parametrize("fault", ["neighbours", "fails"])
def test_features_that_are_not_a_pictures_own_are_not_shared(
    fault: str, folders: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import Gemma3Model

    encode = Gemma3Model.get_image_features

    def mixed(self: Any, pixel_values: torch.Tensor, **kwargs: Any) -> Any:
        if fault == "fails":
            raise ValueError("no")
        found = encode(self, pixel_values, **kwargs)
        found.pooler_output = found.pooler_output + found.pooler_output.mean(dim=0)
        return found

    monkeypatch.setattr(Gemma3Model, "get_image_features", mixed)
    assert not load(folders("gemma-3")).shares_pictures


def test_a_folder_in_half_precision_is_loaded_in_it_and_shares_too(
    folders: Callable[[str], Path], tmp_path: Path
) -> None:
    from transformers import AutoModelForImageTextToText

    shutil.copytree(folders("qwen2.5-vl"), tmp_path / "half")
    auto: Any = AutoModelForImageTextToText
    auto.from_pretrained(tmp_path / "half", dtype=torch.bfloat16).save_pretrained(tmp_path / "half")
    judge = load(tmp_path / "half")
    assert judge._model.dtype == load_judge_card(str(tmp_path / "half")).torch_dtype("cuda") == torch.bfloat16
    assert judge.shares_pictures
    for v, w in zip(
        judge.ask([question("key")] * 3, PICTURES),
        load(folders("qwen2.5-vl")).ask([question("key")] * 3, PICTURES),
        strict=True,
    ):
        assert isinstance(v.answer, YesNo)
        assert isinstance(w.answer, YesNo)
        assert v.answer.p_yes == pytest.approx(w.answer.p_yes, abs=0.02)


def test_only_the_last_position_is_scored(folders: Callable[[str], Path]) -> None:
    judge, shapes = load(folders("qwen3-vl")), []
    judge._model.register_forward_hook(lambda _m, _a, out: shapes.append(tuple(out.logits.shape[:2])))
    judge.ask([question("key")] * 3, PICTURES)
    assert shapes == [(3, 1)]


@pytest.mark.parametrize("part", ["model", "tower"])
def test_a_lack_of_memory_is_said_and_halves_the_batch(
    part: str, folders: Callable[[str], Path], caplog: pytest.LogCaptureFixture
) -> None:
    judge = load(folders("smolvlm2"), batch_size=4)
    pictures = [p.rotate(90 * n) for p in PICTURES[::2] for n in range(2)]
    plenty = judge.ask([question("key")] * 4, pictures)
    sizes: list[int] = []

    def hook(_: torch.nn.Module, args: tuple[Any, ...], given: dict[str, Any]) -> None:
        sizes.append(given["inputs_embeds" if part == "model" else "pixel_values"].shape[0])
        if sizes[-1] > 1:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9.00 GiB.")

    inner = judge._model.model.text_model if part == "model" else judge._model.model.vision_model
    inner.register_forward_pre_hook(hook, with_kwargs=True)
    with caplog.at_level(logging.WARNING, "copycat"):
        said = judge.ask([question("key")] * 4, pictures)
    assert sizes == [4, 2, 1, 1, 1, 1]
    assert_same(said, plenty)
    told = [r.getMessage() for r in caplog.records]
    assert len(told) == 2
    who = "The judge smolvlm2" if part == "model" else "The vision tower of the judge smolvlm2"
    assert told[0] == f"{who} ran out of memory with 4 at a time; it goes on with 2."
    caplog.clear()
    sizes.clear()
    judge.ask([question("key")] * 4, pictures)
    assert set(sizes) == {1}, "what did not fit once is not tried again"
    assert not caplog.records


def test_features_fall_into_parts_and_are_joined_again() -> None:
    from transformers.modeling_outputs import BaseModelOutputWithPooling as Output

    numbers = torch.arange(12.0).reshape(6, 2)
    a, b = numbers.split(3)
    kinds: list[tuple[Any, Any, Any]] = [
        (numbers, a, torch.cat([b, a])),
        ((a, b), (a,), (b, a)),
        ([(a, b), (a, b)], [(a,), (a,)], [(b, a), (b, a)]),
    ]
    for whole, first, turned in kinds:
        parts = parted(Output(pooler_output=whole, hidden_states=(numbers,)), 2)
        assert [set(p) for p in parts] == [{"pooler_output"}] * 2
        assert flat(parts[0]["pooler_output"]) == flat(first)
        assert flat(joined(parts[::-1])["pooler_output"]) == flat(turned)
    with pytest.raises(ValueError, match="cannot be told apart"):
        parted(Output(pooler_output=numbers), 4)


def flat(value: Any) -> Any:
    """Tensors as lists, within the lists that they lie in."""
    return value.tolist() if isinstance(value, torch.Tensor) else [flat(v) for v in value]


def test_rows_are_padded_on_the_left() -> None:
    names = ("input_ids", "attention_mask")
    made = padded([{name: torch.ones(1, length) for name in names} for length in (2, 3)], 7)
    assert made["input_ids"].tolist() == [[7, 1, 1], [1, 1, 1]]
    assert made["attention_mask"].tolist() == [[0, 1, 1], [1, 1, 1]]


def test_a_picture_is_processed_once(folders: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    judge = load(folders("internvl3"))
    inner: Any = type(cast(Any, judge._reading)._renderer._once._inner)
    process, made = inner.__call__, []

    def spy(self: Any, *args: Any, **kwargs: Any) -> Any:
        made.append(1)
        return process(self, *args, **kwargs)

    monkeypatch.setattr(inner, "__call__", spy)
    prepared = judge.prepare(*three(PICTURES))
    assert len(made) == 3
    assert len(prepared.looks) == 3
    assert len(prepared.rows) == 9
