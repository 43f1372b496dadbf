"""Reference pictures beside the question: shown where a judge can look at several, refused elsewhere."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from PIL import Image

from copycat.cards.judges import load_judge_card
from copycat.errors import UserError
from copycat.io.paths import DATA
from copycat.judges.base import load_judge, question_hash
from copycat.records import ImageRow, Question
from copycat.resolve import resolve_settings
from copycat.stages.generate import generate
from copycat.stages.judge import judge
from copycat.stages.plan import prepare
from copycat.subjects.characters import load_registry
from tests.conftest import Tiny
from tests.helpers.loopback import Loopback, running
from tests.helpers.questions import questions

COLOURS = [(200, 0, 0), (0, 200, 0), (0, 0, 200)]


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    home = tmp_path / "home" / "judges"
    home.mkdir(parents=True)
    monkeypatch.setenv("COPYCAT_HOME", str(home.parent))
    with running() as loopback:
        api = {"base_url": loopback.url, "key_env": None, "retries": 0}
        card = {"name": "seer", "kind": "openai-chat", "source": "seer-1", "batch_size": 1, "api": api}
        (home / "seer.yaml").write_text(yaml.safe_dump(card))
        yield loopback


@pytest.fixture
def registry(tiny_models: Tiny, tmp_path: Path) -> Path:
    """The tiny world with three plain reference pictures each; Plitu has one."""
    world = yaml.safe_load(tiny_models.registry.read_text())
    for c in world["characters"]:
        paths = [tmp_path / f"{c['slug']}-{i}.png" for i in range(1 if c["slug"] == "plitu" else 3)]
        for path, colour in zip(paths, COLOURS, strict=False):
            Image.new("RGB", (16, 16), colour).save(path)
        c["references"] = [str(p) for p in paths]
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(world))
    return path


def target(registry: Path, n: int) -> Question:
    row = ImageRow(request="r", outcome="ok", file="f", sha256="0")
    asked = questions(row, load_registry(str(registry))["zori"], references=n)
    assert [q.references for q in asked if q.kind != "verify"] == [(), ()], "only `verify` shows them"
    return asked[1]


def test_a_hosted_judge_is_shown_them_first_and_in_order(
    server: Loopback, registry: Path, tiny_models: Tiny, tmp_path: Path
) -> None:
    given = {"judge": "seer[references=2]", "registry": str(registry), "mitigations": ("none",)}
    folder = prepare(tiny_models.config(tmp_path / "run", seeds=(0,), limit=2, **given))
    generate(folder)
    assert judge(folder) == 6
    sent = [m["messages"][0]["content"] for m in server.asked]
    (shown,) = [c for c in sent if "Is Zori in the last" in c[-1]["text"]]
    assert shown[-1]["text"] == (
        "The first 2 pictures show Zori. Is Zori in the last picture? Answer Yes or No."
    )
    pixels = []
    for part in shown[:-1]:
        content = base64.b64decode(part["image_url"]["url"].partition(",")[2])
        pixels.append(Image.open(io.BytesIO(content)).getpixel((0, 0)))
    assert pixels[:2] == COLOURS[:2]
    assert len(pixels) == 3
    assert {len(c) for c in sent} == {2, 4}
    assert {v.judge for v in folder.data().verdicts} == {
        f"seer[references=2]@seer-1@{server.url}:name-and-work"
    }
    # Without them it is another judge, whose answers lie beside these.
    assert judge(folder, judge_name="seer") == 6


def test_other_references_are_another_question(registry: Path, tmp_path: Path) -> None:
    plain, one, two = (target(registry, n) for n in range(3))
    assert len({question_hash(q) for q in (plain, one, two)}) == 3
    assert one.text == "The first picture shows Zori. Is Zori in the last picture? Answer Yes or No."
    before = question_hash(one)
    Image.new("RGB", (16, 16), (9, 9, 9)).save(tmp_path / "zori-0.png")
    assert question_hash(one) != before
    assert question_hash(plain) == question_hash(target(registry, 0))


def test_a_local_model_looks_at_them(registry: Path, tiny_models: Tiny, tmp_path: Path) -> None:
    seer = load_judge(load_judge_card(f"{tiny_models.judge}[references=1]"), "cpu")
    picture, question = Image.new("RGB", (16, 16), (90, 90, 90)), target(registry, 1)
    (before,) = seer.ask([question], [picture])
    Image.effect_noise((16, 16), 200).convert("RGB").save(tmp_path / "zori-0.png")
    (after,) = seer.ask([question], [picture])
    assert before.scored
    assert after.scored
    assert before.answer != after.answer


@pytest.mark.parametrize(
    ("judge_name", "told"),
    [
        ("menagerie[references=1]", "looks at 1 picture at a time and cannot be shown 1 references"),
        ("menagerie-phash[references=2]", "looks at 1 picture at a time"),
        ("menagerie[references=4]", "1 to 3"),
        ("menagerie[pictures=1]", "1 to 3"),
    ],
)
def test_a_judge_of_one_picture_is_refused(judge_name: str, told: str) -> None:
    with pytest.raises(UserError, match=told):
        resolve_settings(judge=judge_name)


def test_a_short_context_and_a_character_without_references_are_refused(
    server: Loopback, registry: Path, tiny_models: Tiny, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="it reads 64"):
        load_judge(load_judge_card(f"{DATA / 'menagerie' / 'judge'}[references=3]"), "cpu")
    given = {"registry": str(registry), "judge": "seer[references=2]"}
    with pytest.raises(UserError, match="Plitu has fewer"):
        tiny_models.config(tmp_path / "run", **given)
    assert (
        tiny_models.config(tmp_path / "run", characters=("zori",), **given).judging.card.name
        == "seer[references=2]"
    )
    (tmp_path / "zori-1.png").write_bytes(b"no picture")
    with pytest.raises(UserError, match="is not a picture that opens"):
        tiny_models.config(tmp_path / "run", characters=("zori",), **given)
