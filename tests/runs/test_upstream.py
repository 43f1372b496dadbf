"""Results of the suite's own scripts: what is read, what it is called here, and what is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner

from copycat.cli.main import app
from copycat.errors import BadFile, RunConflict, UnknownName, UserError
from copycat.io.paths import ROOT
from copycat.measures import DETECT
from copycat.mitigations.aliases import canonical
from copycat.mitigations.parse import parse
from copycat.paper import load
from copycat.paper.base import Sources
from copycat.paper.document import document
from copycat.publish.collect import collect
from copycat.publish.pull import pull
from copycat.publish.write import write
from copycat.records import Named, Unscored
from copycat.runs.folder import RunFolder
from copycat.runs.manifest import UPSTREAM_JUDGE
from copycat.runs.upstream import answer_of, import_results
from copycat.stages.report import report
from copycat.stages.score import score
from copycat.subjects.characters import Character, Registry
from copycat.subjects.upstream.results import FLAGS, Judgement, read_results

PLAYGROUND = "playground-v2.5-1024px-aesthetic"
TARGETS = ("Mario", "Elsa", "Winnie-the-Pooh ", "Steve", "Thor")


def results(
    root: Path,
    *,
    model: str = PLAYGROUND,
    data: str = "targets",
    run: int = 1,
    flag: str = "none",
    verdicts: list[dict[str, Any]] | None = None,
    video: bool = False,
    lost: tuple[int, ...] = (),
    failed: tuple[int, ...] = (),
) -> Path:
    """A folder as the scripts write it, with pictures of one colour each."""
    folder = root / model / data / f"run-{run}" / f"neg_prompt_{flag}"
    (folder / "images").mkdir(parents=True)
    log = []
    for i, target in enumerate(TARGETS):
        name = f"{i}_{{}}.png" if video else f"{i}.png"
        bad = i in failed
        log.append(
            {
                "target": target,
                "prompt": target,
                "negative prompt": "" if flag == "none" else target,
                "image_path": "" if bad else f"results/elsewhere/images/{name}",
                "has_error": bad,
            }
        )
        for frame in (0, 6, 15) if video else (0,):
            if not bad and i not in lost:
                colour = (40 * i, run, (frame * 10 + len(flag)) % 255)
                Image.new("RGB", (8, 8), colour).save(folder / "images" / name.format(frame))
    (folder / "log.json").write_text(json.dumps(log, indent=4))
    if verdicts is not None:
        (folder / "binary_result.json").write_text(json.dumps(verdicts, indent=4))
    return folder


def said(picture: str, character: str = "", score: object = 0, **more: object) -> dict[str, Any]:
    return {"id": picture, "has_error": False, "character": character, "score": score, **more}


Take = Callable[..., RunFolder]


@pytest.fixture
def take(tmp_path: Path) -> Take:
    names = ("Mario", "Elsa", "Winnie-the-Pooh", "Link", "Thor")
    few = Registry(
        "suite",
        1,
        [Character(slug=n.lower(), name=n, owner="x", key="being", generic="a being") for n in names],
    )

    def run(path: Path, **given: Any) -> RunFolder:
        return import_results(path, tmp_path / "run", few, **{"judge": "gpt-4o", **given})

    return run


VERDICTS = [
    said("0.png", "Mario", 1),
    said("1.png", "'Mario'", 1),
    said("2.png", score=0),
    said("4.png", score="", has_error=True, error_msg="too many values to unpack"),
]


def test_pictures_and_recorded_verdicts_become_a_run(take: Take, tmp_path: Path) -> None:
    folder = results(tmp_path / "results", verdicts=VERDICTS)
    run = take(tmp_path / "results")
    data = run.data()
    assert [r.character for r in data.requests] == ["mario", "elsa", "winnie-the-pooh", "thor"]
    assert {(r.prompt_set, r.mitigation, r.run_seed) for r in data.requests} == {("upstream-name", "none", 1)}
    for request, number in zip(data.requests, (0, 1, 2, 4), strict=True):
        row = data.images[request.id]
        assert (run.path / str(row.file)).read_bytes() == (folder / "images" / f"{number}.png").read_bytes()
        assert request.provenance[0].config["row"] == number
    answers = {v.request: v.answer for v in data.verdict_rows}
    assert [answers[r.id] for r in data.requests[:3]] == [
        Named(names=("Mario",)),
        Named(names=("Mario",)),
        Named(names=()),
    ]
    failed = answers[data.requests[3].id]
    assert isinstance(failed, Unscored)
    assert "too many values" in failed.reason
    notes = "\n".join(data.manifest.notes)
    assert "'Steve', is nobody in suite: it stands where Link's row is missing" in notes
    # Elsa's picture named Mario: the scripts credit Mario once, and so do we, but not Elsa.
    assert "by the script's own rule DETECT is 1" in notes
    assert "1 recorded verdicts are no answer" in notes
    score(run)
    detect = run.data().metric(DETECT, "none", "upstream-name")
    assert detect is not None
    assert (detect.scored, detect.unscored, detect.images) == (3, 1, 4)
    assert run.data().judge == UPSTREAM_JUDGE
    report(run)
    assert "not calibrated" in (run.path / "report.html").read_text()
    # It fills the paper's tables as what it is.
    text = document(load("2"), Sources(runs=[run.data()]))["md"].decode()
    assert re.search(r"\| Playground v2.5 \| 30.33 ± 1.89 \| 1\.\d", text)
    assert "none on upstream-name, in place of none on name" in text


def test_flags_are_called_as_here(take: Take, tmp_path: Path) -> None:
    root = tmp_path / "results"
    for i, flag in enumerate(("none", "target", "keyword-5-laion", "keyword-5-and-laion-5"), 1):
        results(root, flag=flag, data="targets_dalle_prompt", run=1 + i % 2)
    data = take(root).data()
    assert {r.mitigation for r in data.requests} == {
        *("none", "negprompt", "negprompt[words=cooc]", "upstream-keyword-5-and-laion-5"),
    }
    assert {r.prompt_set for r in data.requests} == {"upstream-rewritten-name"}
    assert {r.negative for r in data.requests if r.mitigation == "negprompt"} >= {"Mario", "Thor"}
    assert {r.run_seed for r in data.requests} == {1, 2}
    assert data.manifest.judge is None
    assert any("sends the name, 5 LM and 5 LAION words" in n for n in data.manifest.notes)


def test_every_flag_that_has_a_name_here_can_be_run_here() -> None:
    assert len(FLAGS) == 20
    for flag in FLAGS.values():
        if flag.ours is not None:
            parse(flag.ours)
            assert canonical(flag.ours) == flag.ours


def test_the_documented_table_of_flags_is_the_codes() -> None:
    text = (ROOT / "docs" / "reproduce-the-paper.md").read_text()
    told = {}
    for line in text.splitlines():
        match = re.fullmatch(r"\| (`[\w-]+`(?:, `[\w-]+`)*) \| (.*) \| (.*) \|", line)
        if match and match[1].strip("`").split("`")[0] in FLAGS:
            for flag in re.findall(r"`([\w-]+)`", match[1]):
                ours = re.findall(r"`([^`]+)`", match[3])
                told[flag] = (match[2], ours[0] if ours else None)
    assert told == {name: (f.sends, f.ours) for name, f in FLAGS.items()}


def test_a_video_has_the_frames_that_were_kept(take: Take, tmp_path: Path) -> None:
    model = "damo-vilab/text-to-video-ms-1.7b"
    verdicts = [
        said("0_6.png", "Mario", 1),
        said("1_0.png", score=0),
        said("2_15.png", "Tigger", 1),
        said("4_0.png", score=0, has_error=True, error_msg="no reply"),
    ]
    root = tmp_path / "results"
    results(root, model=model, flag="none", verdicts=verdicts, video=True)
    results(root, model=model, flag="target", verdicts=[], video=True)
    run = take(root)
    data = run.data()
    assert data.model == "text-to-video-ms-1.7b"
    assert {r.mitigation for r in data.requests} == {"none", "upstream-target"}
    # The script does not pass it on, whatever the log says.
    assert {r.negative for r in data.requests} == {""}
    assert {tuple(row.frame for row in rows) for rows in data.frames.values()} == {(0, 6, 15)}
    values = {
        o.request.character: o.value
        for o in data.observations(DETECT).values()
        if o.request.mitigation == "none"
    }
    assert values == {"mario": 1.0, "elsa": 0.0, "winnie-the-pooh": None, "thor": None}
    # It can be published, and comes back as it is.
    score(run)
    write(collect([run]), tmp_path / "dataset")
    (pulled,) = pull(tmp_path / "dataset", "d", None, lambda run, runs: tmp_path / "back", lambda _: None)
    back = RunFolder(pulled.path).data()
    assert list(back.requests) == list(data.requests)
    assert {r.sampling.judged for r in back.requests} == {(0, 6, 15)}


def test_what_has_no_picture_is_an_error_and_no_zero(take: Take, tmp_path: Path) -> None:
    results(tmp_path / "results", lost=(1,), failed=(2,))
    data = take(tmp_path / "results", joins={"Steve": "link"}).data()
    told = {r.character: data.images[r.id] for r in data.requests}
    assert set(told) == {"mario", "elsa", "winnie-the-pooh", "link", "thor"}
    assert [told[c].outcome for c in ("mario", "elsa", "winnie-the-pooh")] == ["ok", "error", "error"]
    assert "1.png is not in the folder" in str(told["elsa"].error)
    assert "may be a refusal" in str(told["winnie-the-pooh"].error)


@pytest.mark.parametrize(
    ("record", "answer"),
    [
        ({"character": "Elsa", "score": 1}, Named(names=("Elsa",))),
        ({"character": "''", "score": 0}, Named(names=())),
        ({"character": "Elsa", "score": 3}, "neither 0 nor 1"),
        ({"character": "", "score": 1}, "which character was seen is not recorded"),
        ({"character": "", "score": ""}, "neither 0 nor 1"),
        ({"character": "", "score": 0, "has_error": True, "error_msg": "x"}, "could not read the reply: x"),
    ],
)
def test_what_the_scripts_could_not_read_is_no_answer(record: dict[str, Any], answer: Any) -> None:
    found = answer_of(Judgement(id="0.png", **record))
    if isinstance(answer, str):
        assert isinstance(found, Unscored)
        assert answer in found.reason
    else:
        assert found == answer


def test_mistakes_make_no_run(take: Take, tmp_path: Path) -> None:
    def refused(match: str, kind: type[Exception] = BadFile, **given: Any) -> None:
        with pytest.raises(kind, match=match):
            take(tmp_path / "results", **given)
        assert not (tmp_path / "run").exists()

    folder = results(tmp_path / "results")
    refused("Unknown character", UnknownName, joins={"Steve": "steeve"})
    (folder / "binary_result.json").write_text('[{"character": "Elsa"}]')
    refused("binary_result.json is not what the scripts write")
    (folder / "binary_result.json").write_text("[{")
    refused("cannot be read as JSON")
    (folder / "binary_result.json").unlink()
    (folder / "images" / "0.png").write_text("no picture")
    refused("0.png is not a picture that opens")
    for picture in (folder / "images").iterdir():
        picture.unlink()
    refused("needs the pictures")
    results(tmp_path / "results", model="another")
    refused("results of 2 models", UserError)
    stray = tmp_path / "results" / "log.json"
    stray.write_text("[]")
    refused("does not lie where main.py puts it")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "x").touch()
    with pytest.raises(RunConflict):
        take(tmp_path / "results")


def test_the_verb_tells_results_from_a_checkout(tmp_path: Path) -> None:
    root = tmp_path / "results"
    folder = results(root, verdicts=VERDICTS)

    def call(*arguments: str) -> str:
        done = CliRunner().invoke(app, ["import-upstream", *arguments])
        if done.exception:
            raise done.exception
        return done.output

    told = call(str(folder), "--out", str(tmp_path / "run"))
    assert f"Next: copycat score {tmp_path / 'run'}" in told
    assert "4 pictures of" in told
    assert [b.seed for b in read_results(folder)] == [1]
    # A checkout may hold results of its own.
    (root / "prompts").mkdir()
    (root / "prompts" / "targets.csv").write_text(",target,prompt\n0,Mario,Mario\n")
    assert "1 prompts in upstream-name" in call(str(root), "--out", str(tmp_path / "prompts"))
    bare = tmp_path / "bare"
    bare.mkdir()
    with pytest.raises(BadFile, match="no checkout"):
        call(str(bare), "--out", str(tmp_path / "x"))
