"""A run of videos: the menagerie's image model moved by an untrained motion adapter, and its judge."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from copycat.cards.models import ModelCard
from copycat.generators.base import ImageOutcome
from copycat.generators.diffusers_video import DiffusersVideo
from copycat.io.paths import DATA
from copycat.io.yaml_file import read_yaml
from copycat.records import Request, Sampling, YesNo
from copycat.resolve import ResolvedRun, resolve_settings
from copycat.runs.folder import RunFolder
from copycat.stages.generate import generate
from copycat.stages.judge import judge
from copycat.stages.plan import plan, prepare
from copycat.stages.report import report
from copycat.stages.score import score
from tests.helpers.pages import sheet


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's folder with the card `menagerie-video` as shipped, but for a random motion adapter."""
    from copycat.menagerie.train.motion import build, save

    torch.set_num_threads(1)
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("home")
    from diffusers import UNet2DConditionModel

    moving = build(UNet2DConditionModel.from_pretrained(DATA / "menagerie" / "generator" / "unet"))
    for name, parameter in moving.named_parameters():
        if "motion_modules" in name and "proj_out.weight" in name:
            torch.nn.init.normal_(parameter, std=0.02)
    save(moving, folder / "motion")
    card = yaml.safe_load((DATA / "models" / "menagerie-video.yaml").read_text())
    card["motion_adapter"]["source"] = str(folder / "motion")
    (folder / "models").mkdir()
    (folder / "models" / "menagerie-video.yaml").write_text(yaml.safe_dump(card))
    return folder


@pytest.fixture(scope="module")
def reference(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of four videos, drawn and not yet judged."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COPYCAT_HOME", str(home))
        folder = prepare(settings(tmp_path_factory.mktemp("reference") / "run"))
        assert generate(folder, device="cpu") == 4
    return folder.path


def settings(out: Path) -> ResolvedRun:
    return resolve_settings(model="menagerie-video", seeds=(0,), limit=2, steps=2, batch_size=2, out=out)


@pytest.fixture
def config(home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ResolvedRun:
    monkeypatch.setenv("COPYCAT_HOME", str(home))
    return settings(tmp_path / "run")


@pytest.fixture
def drawn(config: ResolvedRun, reference: Path, tmp_path: Path) -> RunFolder:
    """A copy of the reference run, to be spoilt."""
    return RunFolder(shutil.copytree(reference, tmp_path / "drawn"))


def hashes(folder: RunFolder) -> dict[tuple[str, int], str | None]:
    return {(row.request, row.frame): row.sha256 for rows in folder.data().frames.values() for row in rows}


@pytest.mark.parametrize(
    ("frames", "judged"),
    [(None, (0,)), (1, (0,)), (2, (0, 1)), (3, (0, 1, 2)), (8, (0, 3, 7)), (16, (0, 7, 15))],
)
def test_the_middle_is_the_middle(frames: int | None, judged: tuple[int, ...]):
    sampling = Sampling(steps=1, guidance=1, height=8, width=8, frames=frames, fps=frames)
    assert sampling.judged == judged


def test_pictures_keep_the_identity_they_had_before_there_were_videos():
    request = Request(
        model="m@1", character="zori", prompt_set="name", run_seed=0, seed=7, mitigation="none",
        source_prompt="Zori", prompt="Zori", sampling=Sampling(steps=2, guidance=4, height=16, width=16),
    )  # fmt: skip
    assert request.with_id().id == "57ac8858f93f8ac5"
    assert '"frames"' not in request.model_dump_json()


def test_the_whole_path(drawn: RunFolder):
    requests = drawn.data().requests
    rows = [row for video in drawn.data().frames.values() for row in video]
    assert [(r.request, r.frame) for r in rows] == [(r.id, f) for r in requests for f in (0, 3, 7)]
    for row in rows:
        content = (drawn.path / row.file).read_bytes()
        assert hashlib.sha256(content).hexdigest() == row.sha256
        strip = Image.open(drawn.path / row.strip)
        assert strip.size == (8 * 32, 32)
        frame = strip.crop((row.frame * 32, 0, row.frame * 32 + 32, 32))
        assert frame.tobytes() == Image.open(io.BytesIO(content)).tobytes(), "the strip shows what is judged"
    assert len(set(hashes(drawn).values())) == 12, "negative prompts, characters and frames all differ"
    assert judge(drawn) == 4 * 3 * 3
    metrics = {(m.metric, m.mitigation): m for m in score(drawn)}
    assert drawn.data().finished
    assert all((m.images, m.scored, m.errors) == (2, 2, 0) for m in metrics.values())
    # By hand: the highest of the three frames.
    shown: dict[str, float] = {}
    for v in drawn.data().verdicts:
        if v.kind == "key":
            assert isinstance(v.answer, YesNo)
            shown[v.request] = max(shown.get(v.request, 0.0), v.answer.p_yes)
    for mitigation in ("none", "negprompt"):
        mine = [shown[r.id] for r in requests if r.mitigation == mitigation]
        assert metrics["CONS", mitigation].value == pytest.approx(np.mean(mine))
    shown = sheet(report(drawn).read_text())
    assert [p["video"] for p in shown] == [1] * 4
    assert all(p["frames"].startswith("0, 3, 7 of 8; the verdict is that on frame") for p in shown)
    assert all(p["small"].startswith("data:image/png") for p in shown)
    assert generate(drawn, device="cpu") == 0
    assert judge(drawn) == 0


def test_the_mp4_plays_as_many_frames_as_were_drawn(drawn: RunFolder):
    import av

    row = next(iter(drawn.data().images.values()))
    with av.open(str(drawn.path / row.video)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.average_rate) == ("h264", 8)
        shown = [np.asarray(f.to_image(), dtype=int) for f in container.decode(stream)]
    assert len(shown) == 8
    assert shown[0].shape == (256, 256, 3), "small frames are enlarged"
    first = Image.open(drawn.path / row.file).resize((256, 256), Image.Resampling.NEAREST)
    assert np.abs(shown[0] - np.asarray(first, dtype=int)).mean() < 8


def test_a_video_with_a_missing_row_or_file_is_drawn_again_and_gives_the_same_bits(drawn: RunFolder):
    before = hashes(drawn)
    journal = drawn.path / "images.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    assert len(lines) == 12
    # Cut off within the second video: one whole row of it is left, and the next is torn.
    journal.write_bytes(b"".join(lines[:4]) + lines[4][:30])
    assert len(drawn.data().images) == 1
    assert not drawn.data().finished
    assert judge(drawn) == 9, "only what is whole is judged"
    assert generate(drawn, device="cpu") == 3
    assert hashes(drawn) == before
    for request, lost in zip(drawn.data().requests, ("video", "strip", "file"), strict=False):
        (drawn.path / getattr(drawn.data().frames[request.id][-1], lost)).unlink()
    assert generate(drawn, device="cpu") == 3
    assert hashes(drawn) == before


def test_rows_that_were_cut_off_within_a_video_are_completed_and_none_stands_twice(drawn: RunFolder):
    before, rows = hashes(drawn), drawn.image_journal.rows()
    # As a disk that runs full leaves it: of the last video one row, and half of the next.
    whole = "".join(f"{row.model_dump_json()}\n" for row in rows[:-2])
    drawn.image_journal.path.write_text(f'{whole}{{"request": "')
    assert generate(drawn, device="cpu") == 1
    assert hashes(drawn) == before
    assert len(drawn.image_journal.rows()) == len(rows)


@pytest.mark.slow  # tests/stages/test_run.py and test_faults.py kill runs in every default test run
def test_kill_9_while_a_batch_is_written_loses_that_batch(config, drawn: RunFolder, home: Path):
    folder = prepare(config)
    code = textwrap.dedent("""
        import sys, time, torch
        torch.set_num_threads(1)
        from copycat.runs.folder import RunFolder
        from copycat.stages import keep
        from copycat.stages.generate import generate
        write = keep.write_bytes
        def slow(path, content):
            time.sleep(0.1)
            write(path, content)
        keep.write_bytes = slow
        generate(RunFolder(sys.argv[1]), device="cpu")
    """)
    process = subprocess.Popen([sys.executable, "-c", code, str(folder.path)])
    deadline = time.monotonic() + 120
    # In the middle of the second batch: some of its files are there, none of its rows.
    while len(list((folder.path / "videos").glob("*.mp4"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert len(folder.data().images) == 2
    assert generate(folder, device="cpu") == 2
    assert hashes(folder) == hashes(drawn)
    assert not list(folder.path.rglob("*.tmp"))


def test_a_failed_video_is_one_error_and_is_tried_again(config, drawn: RunFolder, monkeypatch):
    folder = prepare(config)
    victim = folder.data().requests[0]
    draw = DiffusersVideo.generate

    def failing(self, requests, **given):
        lost = ImageOutcome("error", error="out of luck")
        return [
            lost if r.id == victim.id else o
            for r, o in zip(requests, draw(self, requests, **given), strict=True)
        ]

    with monkeypatch.context() as patch:
        patch.setattr(DiffusersVideo, "generate", failing)
        generate(folder, device="cpu")
    assert [row.frame for row in folder.data().frames[victim.id]] == [0]
    judge(folder)
    detect = next(m for m in score(folder) if m.metric == "DETECT" and m.mitigation == "none")
    assert (detect.images, detect.scored, detect.errors) == (2, 1, 1)
    assert folder.data().failed == 1
    assert generate(folder, device="cpu") == 1
    assert [r.sha256 for r in folder.data().frames[victim.id]] == [
        r.sha256 for r in drawn.data().frames[victim.id]
    ]


def test_a_frame_the_judge_cannot_open_leaves_the_video_unscored_unless_another_settles_it(
    drawn: RunFolder,
):
    rows = drawn.data().frames[drawn.data().requests[0].id]
    (drawn.path / str(rows[1].file)).write_bytes(b"not a picture")
    judge(drawn)
    cons = next(m for m in score(drawn) if m.metric == "CONS" and m.mitigation == "none")
    assert (cons.images, cons.scored, cons.unscored) == (2, 1, 1)


def test_the_shipped_card_needs_no_copy_of_the_image_model():
    card = read_yaml(DATA / "models" / "menagerie-video.yaml", ModelCard, "card")
    still = read_yaml(DATA / "models" / "menagerie.yaml", ModelCard, "card")
    assert card.source == still.source
    assert card.motion_adapter is not None
    assert card.sampling.model_copy(update={"frames": None, "fps": None}) == still.sampling


def test_without_the_encoder_it_is_said_before_anything_is_written(config, monkeypatch, tmp_path: Path):
    from copycat.errors import MissingRequirement

    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingRequirement, match="pip install 'av"):
        settings(tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_plan_of_a_video_run_is_one_request_a_video(config):
    requests = plan(config)
    assert len(requests) == 4
    assert {r.sampling.frames for r in requests} == {8}
    assert json.loads(requests[0].model_dump_json())["sampling"]["fps"] == 8
