"""Mitigations inside the model, from plan to picture: composed, resumed after a kill, and none left alone."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from copycat.io.paths import DATA
from copycat.resolve import ResolvedRun, resolve_settings
from copycat.runs.data import RunData
from copycat.runs.folder import RunFolder
from copycat.stages.generate import generate
from copycat.stages.plan import prepare
from tests.helpers import edits

INSIDE = ("test-scale", "test-token[token={token},width={width}]", "test-push")


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("COPYCAT_CACHE", str(tmp_path / "cache"))
    edits.install(monkeypatch)


def specs(model: Path, prompt: str) -> tuple[str, ...]:
    """Nothing, each hook alone, all of them with a negative prompt, and that alone."""
    from transformers import AutoConfig, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model / "tokenizer")
    ids = [i for i in tokenizer(prompt)["input_ids"] if i not in tokenizer.all_special_ids]
    token = tokenizer.convert_ids_to_tokens(ids[0])
    width = AutoConfig.from_pretrained(model / "text_encoder").hidden_size
    inside = tuple(s.format(token=token, width=width) for s in INSIDE)
    return "none", *inside, "+".join((*inside, "negprompt")), "negprompt"


def by_mitigation(data: RunData) -> dict[str, list[str | None]]:
    found: dict[str, list[str | None]] = {}
    for r in data.requests:
        found.setdefault(r.mitigation, []).append(data.images[r.id].sha256)
    return found


@pytest.fixture
def settings(tiny_models, tmp_path: Path, request: pytest.FixtureRequest) -> Callable[..., ResolvedRun]:
    """Runs on the shipped menagerie model, or on a tiny pipeline of SDXL's class."""
    if request.param == "menagerie":
        common = {"limit": 3, "steps": 3, "prompts": ("description",)}
        plain: Callable[..., ResolvedRun] = partial(resolve_settings, **common)
        model = DATA / "menagerie" / "generator"
    else:
        model = tiny_models.sdxl
        plain = partial(tiny_models.config, model=str(model))
    prompt = next(iter(plain(out=tmp_path).prompts.values()))[0].text
    return lambda out, **given: plain(
        out=tmp_path / out,
        **{
            "mitigations": specs(model, prompt), "seeds": (0,), "batch_size": 2, "device": "cpu", **given
        },
    )  # fmt: skip


def drawn(run: ResolvedRun) -> RunData:
    folder = prepare(run)
    generate(folder, run, device="cpu")
    data = folder.data()
    assert {row.outcome for row in data.images.values()} == {"ok"}
    return data


BOTH = pytest.mark.parametrize("settings", ["menagerie", "sdxl"], indirect=True)


@BOTH
def test_each_changes_its_pictures_composes_and_leaves_none_alone(settings) -> None:
    run = settings("all")
    data = drawn(run)
    pictures = by_mitigation(data)
    assert list(pictures) == list(run.config.mitigations)
    assert len(set(map(tuple, pictures.values()))) == len(pictures), "each gives pictures of its own"
    for spec in ("none", "test-scale"):
        alone = drawn(settings(f"{spec}-alone", mitigations=(spec,)))
        assert by_mitigation(alone)[spec] == pictures[spec], "bit for bit, beside other weights and without"
    composed = next(r for r in data.requests if r.mitigation.startswith("test-scale+"))
    assert [s.name for s in composed.provenance] == [
        "test-scale", "negprompt", "test-token", "test-push",
    ]  # fmt: skip
    assert composed.variant
    assert composed.conditioning
    assert RunFolder(data.path).conditioning_path.joinpath(f"{composed.conditioning}.safetensors").is_file()
    plain = next(r for r in data.requests if r.mitigation == "none")
    assert (plain.variant, plain.conditioning, plain.provenance) == ("", "", ())


@pytest.mark.slow  # tests/stages/test_run.py and test_faults.py kill runs in every default test run
@pytest.mark.parametrize("settings", ["sdxl"], indirect=True)
def test_a_kill_in_the_middle_gives_the_same_bits(settings) -> None:
    reference = drawn(settings("reference"))
    made = settings("killed")
    folder = prepare(made)
    code = textwrap.dedent("""
        import sys, time, torch
        torch.set_num_threads(1)
        from copycat.mitigations import CATALOG
        from copycat.runs.folder import RunFolder
        from copycat.stages.generate import generate
        from tests.helpers import edits
        for kind in (edits.Scale, edits.Token, edits.Push):
            CATALOG.builtin[kind.name] = f"tests.helpers.edits:{kind.__name__}"
        class Slow:
            def start(self, label, total): pass
            def advance(self, n): time.sleep(0.1)
            def done(self): pass
        generate(RunFolder(sys.argv[1]), progress=Slow(), device="cpu")
    """)
    process = subprocess.Popen([sys.executable, "-c", code, str(folder.path)], cwd=Path(__file__).parents[2])
    deadline = time.monotonic() + 120
    # Into the batches with changed weights.
    while len(folder.data().images) < 5 and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert 5 <= len(folder.data().images) < len(reference.requests)
    assert by_mitigation(drawn(made)) == by_mitigation(reference)
