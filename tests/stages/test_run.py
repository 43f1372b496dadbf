"""The thin path, and what interrupts it."""

from __future__ import annotations

import errno
import gc
import os
import signal
import subprocess
import sys
import textwrap
import time
import weakref
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import UNet2DConditionModel
from PIL import Image

from copycat.errors import MissingRequirement, RunConflict, UserError
from copycat.generators.base import ImageOutcome
from copycat.generators.diffusers_image import DiffusersImage
from copycat.io import atomic
from copycat.judges.base import load_judge
from copycat.resolve import resolve
from copycat.runs.folder import RunFolder
from copycat.runtime.progress import Progress
from copycat.stages.generate import generate
from copycat.stages.judge import judge
from copycat.stages.plan import plan, prepare
from copycat.stages.run import complete
from copycat.stages.score import score


def hashes(folder: RunFolder) -> dict[str, str | None]:
    return {k: row.sha256 for k, row in folder.data().images.items()}


@pytest.fixture
def whole(config, tmp_path):
    folder = prepare(config(out=tmp_path / "whole"))
    assert generate(folder, device="cpu") == 12
    return folder


def pixels(folder: RunFolder, request: str) -> np.ndarray:
    return np.asarray(Image.open(folder.path / f"images/{request}.png"), dtype=int)


@pytest.mark.parametrize("model", ["sd", "sdxl"])
def test_the_whole_path(config, tiny_models, model):
    folder = prepare(config(model=str(getattr(tiny_models, model))))
    assert generate(folder, device="cpu") == 12
    assert judge(folder) == 36
    metrics = score(folder)
    assert folder.data().finished
    assert folder.metrics() == metrics
    assert {m.metric for m in metrics} == {"DETECT", "DETECT_targeted", "CONS"}
    assert all(m.images == m.scored == 6 for m in metrics)
    assert (folder.path / "table.md").read_text()
    # Again: nothing is left to do.
    assert generate(prepare(resolve(folder.manifest().config)), device="cpu") == 0
    assert judge(folder) == 0
    assert folder.data().finished


def test_mitigations_share_their_noise(config):
    by_mitigation = {}
    for r in plan(config()):
        by_mitigation.setdefault(r.mitigation, []).append(r.seed)
    assert by_mitigation["none"] == by_mitigation["negprompt"]
    assert len(set(by_mitigation["none"])) == 6


def test_a_resumed_run_gives_the_same_bits(config, whole):
    folder = prepare(config())
    generate(folder, device="cpu")
    rows = (folder.path / "images.jsonl").read_bytes().splitlines(keepends=True)
    # One row of the middle batch is left, and the next is torn.
    (folder.path / "images.jsonl").write_bytes(b"".join(rows[:5]) + rows[5][:20])
    for image in (folder.path / "images").iterdir():
        if image.stem not in folder.data().images:
            image.unlink()
    assert len(folder.data().images) == 5
    assert generate(folder, device="cpu") == 7
    assert hashes(folder) == hashes(whole)


def test_another_batch_size_differs_by_rounding_alone(config, whole):
    folder = prepare(config(batch_size=1))
    generate(folder, device="cpu")
    for request in whole.data().images:
        assert np.abs(pixels(whole, request) - pixels(folder, request)).max() <= 1


def test_kill_9_loses_at_most_the_batches_in_hand(config, whole, tmp_path):
    made = config(out=tmp_path / "killed", batch_size=2)
    reference = prepare(config(out=tmp_path / "reference", batch_size=2))
    generate(reference, device="cpu")
    folder = prepare(made)
    code = textwrap.dedent("""
        import sys, time, torch
        torch.set_num_threads(1)
        from copycat.runs.folder import RunFolder
        from copycat.stages.generate import generate
        class Slow:
            def start(self, label, total): pass
            def advance(self, n): time.sleep(0.5)
            def done(self): pass
        generate(RunFolder(sys.argv[1]), progress=Slow(), device="cpu")
    """)
    process = subprocess.Popen([sys.executable, "-c", code, str(folder.path)])
    deadline = time.monotonic() + 120
    while not folder.data().images and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = len(folder.data().images)
    pictures = len(list((folder.path / "images").glob("*.png")))
    assert 0 < kept < 12
    # A batch whose rows were about to be written, and the one whose pictures were.
    assert 0 <= pictures - kept <= 4
    assert generate(folder, device="cpu") == 12 - kept
    assert hashes(folder) == hashes(reference)


def test_a_failed_picture_counts_nowhere_and_is_tried_again(config, whole, monkeypatch):
    folder = prepare(config())
    victim = folder.data().requests[0]
    draw = DiffusersImage.generate

    def failing(self, requests, **given):
        lost = ImageOutcome("error", error="out of luck")
        return [
            lost if r.id == victim.id else o
            for r, o in zip(requests, draw(self, requests, **given), strict=True)
        ]

    with monkeypatch.context() as patch:
        patch.setattr(DiffusersImage, "generate", failing)
        generate(folder, device="cpu")
    judge(folder)
    detect = next(m for m in score(folder) if m.metric == "DETECT" and m.mitigation == "none")
    assert (detect.images, detect.scored, detect.errors) == (6, 5, 1)
    assert folder.data().failed == 1
    assert not folder.data().finished
    assert generate(folder, device="cpu") == 1
    assert folder.data().failed == 0
    assert hashes(folder) == hashes(whole)
    assert judge(folder) == 3


class Interrupting:
    """A user who presses Ctrl-C after the first batch."""

    def start(self, label: str, total: int) -> None: ...

    def advance(self, n: int) -> None:
        raise KeyboardInterrupt

    def done(self) -> None: ...


def test_ctrl_c_leaves_an_interrupted_run(config):
    folder = prepare(config())
    with pytest.raises(KeyboardInterrupt):
        generate(folder, progress=Interrupting(), device="cpu")
    assert folder.manifest().status == "interrupted"
    assert len(folder.data().images) == 4
    assert generate(folder, device="cpu") == 8


def test_a_full_disk_is_one_line_and_loses_nothing(config, monkeypatch):
    folder = prepare(config())
    with pytest.raises(KeyboardInterrupt):
        generate(folder, progress=Interrupting(), device="cpu")

    def full(fd: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(atomic.os, "fsync", full)
        with pytest.raises(MissingRequirement, match="is full"):
            generate(folder, device="cpu")
    assert len(folder.data().images) == 4
    assert not list(folder.path.rglob("*.tmp"))
    assert generate(folder, device="cpu") == 8


def test_a_folder_of_another_run_is_refused_untouched(config, whole):
    before = (whole.path / "manifest.json").read_bytes()
    with pytest.raises(RunConflict, match="seeds"):
        prepare(config(out=whole.path, seeds=(7,)))
    assert (whole.path / "manifest.json").read_bytes() == before


def test_a_folder_of_strangers_is_refused(config, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.tex").write_text("dear")
    with pytest.raises(RunConflict, match=r"thesis\.tex"):
        prepare(config())
    assert [p.name for p in (tmp_path / "run").iterdir()] == ["thesis.tex"]


def test_two_processes_cannot_write_one_run(whole):
    with whole.locked(), pytest.raises(RunConflict, match="Another process"):
        generate(whole, device="cpu")


def test_a_damaged_picture_is_unscored_and_not_undetected(whole):
    victim = next(iter(whole.data().images.values()))
    (whole.path / str(victim.file)).write_bytes(b"not a picture")
    judge(whole)
    hit = [v for v in whole.data().verdicts if v.request == victim.request]
    assert not any(v.scored for v in hit)
    detect = next(m for m in score(whole) if m.metric == "DETECT" and m.mitigation == "none")
    assert (detect.images, detect.scored, detect.unscored) == (6, 5, 1)


def test_scoring_before_judging_says_what_to_do(whole):
    with pytest.raises(UserError, match="copycat judge"):
        score(whole)


def test_a_prompt_set_may_cover_some_of_the_characters(config, tmp_path: Path):
    whole = tmp_path / "name.jsonl"
    whole.write_text(Path(config().config.prompts[0]).read_text())
    some = tmp_path / "some.jsonl"
    some.write_text("".join(whole.read_text().splitlines(keepends=True)[:2]).replace('"name"', '"some"'))
    requests = plan(config(prompts=(str(whole), str(some)), mitigations=("none",), seeds=(0,)))
    assert [(r.prompt_set, r.character) for r in requests[3:]] == [("some", "zori"), ("some", "kamo")]
    with pytest.raises(UserError, match="no prompt for any"):
        config(prompts=(str(some),), characters=("plitu",))


def test_a_bad_name_writes_nothing(config, tmp_path: Path):
    for wrong, message in (
        ({"mitigations": ("negpromt",)}, "Did you mean negprompt"),
        ({"mitigations": ("negprompt[keyword=3]",)}, "keywords"),
        ({"characters": ("zory",)}, "Did you mean zori"),
        ({"model": "sdlx"}, "Did you mean sdxl"),
        ({"seeds": ()}, "seeds"),
    ):
        with pytest.raises(UserError, match=message):
            config(**wrong)
    assert not (tmp_path / "run").exists()


def test_what_the_machine_lacks_is_said_before_anything_is_written(config, tmp_path, monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(MissingRequirement, match="--device cpu"):
        prepare(config(model="sdxl"))
    with pytest.raises(MissingRequirement, match="no device cuda"):
        prepare(config(device="cuda"))
    (tmp_path / "hollow").mkdir()
    (tmp_path / "hollow" / "config.json").write_text("{}")
    with pytest.raises(UserError, match="safetensors"):
        prepare(config(judge=str(tmp_path / "hollow")))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("model", ["sd", "sdxl"])
def test_what_the_model_does_not_read_to_its_end_is_told(config, tiny_models, tmp_path, model):
    prompts = tmp_path / "wordy.jsonl"
    prompts.write_text(
        "".join(
            f'{{"set": "wordy", "character": "{slug}", "text": "{text}"}}\n'
            for slug, text in (("zori", "an owl " * 12), ("kamo", "a frog"))
        )
    )
    made = config(
        model=str(getattr(tiny_models, model)),
        prompts=(str(prompts),),
        mitigations=("none", "negprompt[of=nothing,keywords=5]"),
        seeds=(0,),
    )
    folder = prepare(made)
    generate(folder, device="cpu")
    told = folder.manifest().notes
    assert any(n.startswith("1 of 2 prompts of none on wordy are longer than the 16 tokens") for n in told)
    judge(folder)
    score(folder)
    assert all(n in (folder.path / "table.md").read_text() for n in told)


def test_the_model_that_draws_is_gone_before_the_judge_is_loaded(config, monkeypatch):
    loaded: list[weakref.ref[torch.nn.Module]] = []
    load = DiffusersImage.__init__

    def watched(self, *given, **more):
        load(self, *given, **more)
        modules = (m for m in gc.get_objects() if isinstance(m, UNet2DConditionModel))
        loaded.extend(map(weakref.ref, modules))

    def judged(card, device):
        assert loaded
        assert not any(ref() for ref in loaded), "its memory is free for the judge"
        return load_judge(card, device)

    run = config(mitigations=("none",), seeds=(0,), device="cpu")
    with monkeypatch.context() as patch:
        patch.setattr(DiffusersImage, "__init__", watched)
        patch.setattr("copycat.stages.judge.load_judge", judged)
        assert complete(prepare(run), run, Progress()).finished
