"""Folders of weights that bring code along: one sentence, nothing is run, and nobody is asked."""

from __future__ import annotations

import ast
import json
import pickle
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from copycat.cards import weights
from copycat.cards.judges import JudgeCard, load_judge_card
from copycat.cards.llms import load_llm_card
from copycat.cards.models import load_card
from copycat.errors import UserError
from copycat.generators.base import load_generator
from copycat.generators.text_encoder import load_tokenizer
from copycat.judges.base import load_judge
from copycat.judges.embedding import EmbeddingDetector
from copycat.llms import load_chat
from tests.conftest import Tiny
from tests.helpers import tiny

ROOT = Path(__file__).resolve().parents[2]
AUTO = (
    "AutoConfig", "AutoModel", "AutoModelForCausalLM", "AutoModelForImageTextToText", "AutoTokenizer",
    "AutoProcessor", "AutoImageProcessor",
)  # fmt: skip


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody sits there who says yes to everything, and must not be asked."""

    def asked(*_: object) -> str:
        raise AssertionError("asked on the terminal whether to run the code")

    monkeypatch.setattr("builtins.input", asked)


def _code(canary: Path) -> str:
    return f"open({str(canary)!r}, 'w').write('ran')\nclass Evil: ...\n"


def _own_code(folder: Path, canary: Path) -> None:
    """Make `folder` of transformers need a module of its own, everywhere that one can be named."""
    (folder / "evil.py").write_text(_code(canary))
    names = dict.fromkeys(AUTO, "evil.Evil")
    for file in ("config.json", "tokenizer_config.json", "processor_config.json", "preprocessor_config.json"):
        path = folder / file
        told = json.loads(path.read_text()) if path.is_file() else {}
        tokenizer = {"AutoTokenizer": ["evil.Evil", "evil.Evil"]}
        told |= {"auto_map": names | (tokenizer if "tokenizer" in file else {}), "model_type": "evil"}
        for key in ("tokenizer_class", "processor_class", "image_processor_type", "architectures"):
            told.pop(key, None)
        path.write_text(json.dumps(told))


def _own_pipeline(folder: Path, canary: Path) -> None:
    """Make a folder of diffusers name a component and a pipeline of its own."""
    index = json.loads((folder / "model_index.json").read_text())
    index |= {"_class_name": ["evil", "Evil"], "unet": ["evil", "Evil"]}
    (folder / "model_index.json").write_text(json.dumps(index))
    for place in (folder, folder / "unet"):
        (place / "evil.py").write_text(_code(canary))


def _tell_tokenizer(folder: Path, canary: Path) -> None:
    _own_code(folder / "tokenizer", canary)


def _judge(folder: Path) -> object:
    return load_judge(load_judge_card(str(folder)), "cpu")


def _encoder(folder: Path) -> object:
    return EmbeddingDetector.build(JudgeCard(name="eye", kind="embedding", source=str(folder)), "cpu")


def _writer(folder: Path) -> object:
    return load_chat(load_llm_card(str(folder)), "cpu")


def _drawer(folder: Path) -> object:
    return load_generator(load_card(str(folder)), "cpu")


def _words(folder: Path) -> object:
    return load_tokenizer(load_card(str(folder)))


LOADERS: list[Any] = [
    pytest.param("judge", _own_code, _judge, id="judge"),
    pytest.param("judge", _own_code, _encoder, id="encoder"),
    pytest.param("llm", _own_code, _writer, id="language model"),
    pytest.param("sd", _own_pipeline, _drawer, id="pipeline"),
    pytest.param("sd", _tell_tokenizer, _words, id="tokenizer"),
]


@pytest.fixture
def copied(tiny_models: Tiny, tmp_path: Path) -> Callable[[str], Path]:
    def copy(kind: str) -> Path:
        if kind == "llm":
            return tiny.llm(tmp_path / "mine")
        return Path(shutil.copytree(getattr(tiny_models, kind), tmp_path / "mine"))

    return copy


@pytest.mark.parametrize("checked", [True, False], ids=["checked", "unchecked"])
@pytest.mark.parametrize(("kind", "change", "load"), LOADERS)
def test_code_of_a_folder_is_never_run(
    kind: str,
    change: Callable[[Path, Path], None],
    load: Callable[[Path], object],
    checked: bool,
    copied: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Our own check refuses it; and without that the libraries are told not to trust it either."""
    folder, canary = copied(kind), tmp_path / "canary"
    change(folder, canary)
    if not checked:
        monkeypatch.setattr(weights, "CODE", ())
    with pytest.raises(UserError) as told:
        load(folder)
    assert not canary.exists()
    assert "\n" not in str(told.value)
    if checked:
        assert re.search(r"evil\.py is program code|brings code of its own", str(told.value))


class _Evil:
    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.write_text, (self.canary, "ran")


@pytest.mark.parametrize(
    ("kind", "file", "load"),
    [
        ("judge", "pytorch_model.bin", _judge),
        ("judge", "pytorch_model.BIN", _judge),
        ("judge", "pytorch_model.bin", _encoder),
        ("llm", "pytorch_model.bin", _writer),
        ("sd", "unet/diffusion_pytorch_model.bin", _drawer),
        ("sd", "model.ckpt", _drawer),
    ],
)
@pytest.mark.parametrize("checked", [True, False], ids=["checked", "unchecked"])
def test_pickles_are_never_read(
    kind: str,
    file: str,
    load: Callable[[Path], object],
    checked: bool,
    copied: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not where they lie beside safetensors, and not in their place either."""
    folder, canary = copied(kind), tmp_path / "canary"
    (folder / file).write_bytes(pickle.dumps(_Evil(canary)))
    for path in (folder / file).parent.glob("*.safetensors"):
        path.unlink()
    if not checked:
        monkeypatch.setattr(weights, "PICKLES", ())
    told = ""
    try:
        load(folder)
    except UserError as e:
        told = str(e)
    assert not canary.exists()
    assert not checked or "is a pickle, which can run code" in told


def test_every_loading_of_weights_says_that_code_is_not_trusted() -> None:
    """Classes that look up what to load by a name in the folder; the others have no code to run."""
    lookups = []
    for path in (ROOT / "copycat").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if node.func.attr != "from_pretrained":
                continue
            told = {k.arg: ast.unparse(k.value) for k in node.keywords}
            safe = told.get("trust_remote_code") == "False" or told.get(None) == "given"
            if not safe:
                lookups.append((path.relative_to(ROOT).as_posix(), ast.unparse(node.func.value)))
    # Those of diffusers name one class, and those of the menagerie load what was trained or shipped here.
    assert {(file, name) for file, name in lookups if "menagerie" not in file} == {
        ("copycat/generators/diffusers_video.py", "diffusers.MotionAdapter")
    }
