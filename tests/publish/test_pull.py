"""From a dataset's folder to run folders again, and what is refused on the way."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from copycat.config import RunConfig
from copycat.errors import BadFile, MissingRequirement, RunConflict
from copycat.publish.checking import check_answer, check_rows
from copycat.publish.collect import collect
from copycat.publish.pull import Pulled, pull
from copycat.publish.write import write
from copycat.records import ImageRow, Request, Review, Sampling, Similarities, Verdict, YesNo
from copycat.runs.folder import RunFolder
from copycat.runs.manifest import Manifest
from copycat.stages.generate import generate
from copycat.stages.judge import judge
from copycat.stages.plan import prepare
from copycat.stages.rejudge import rejudge
from copycat.stages.report import report
from copycat.stages.score import score
from copycat.stages.verify import verify
from tests.publish.conftest import SAME


def fetch(dataset: Path, to: Path, **given: Any) -> list[Pulled]:
    def place(run: str, runs: int) -> Path:
        return to if runs == 1 else to / run

    again = {"recompute": given["recompute"]} if "recompute" in given else {}
    return pull(dataset, "me/mine", given.get("revision", "c" * 40), place, report, **again)


def texts(path: Path) -> dict[str, str]:
    return {name: (path / name).read_text() for name in SAME}


@pytest.mark.parametrize("images", [False, True])
def test_a_pulled_run_is_the_published_one(published, finished, tmp_path, images):
    (pulled,) = fetch(published(images=images), tmp_path / "back")
    assert (pulled.fresh, pulled.same, pulled.withheld) == (True, True, not images)
    assert texts(tmp_path / "back") == texts(finished)
    folder = RunFolder(tmp_path / "back")
    origin = folder.manifest().origin
    assert origin is not None
    assert (origin.how, origin.source, origin.revision) == ("pulled", "me/mine", "c" * 40)
    # The stages that follow make the same of it.
    score(folder)
    report(folder)
    assert texts(tmp_path / "back") == texts(finished)
    assert folder.data().finished


def test_the_registry_travels_along(published, tmp_path, monkeypatch):
    fetch(published(), tmp_path / "back")
    monkeypatch.chdir(tmp_path)
    registry = RunFolder("back").data().registry
    assert (registry.name, registry.protected) == ("tiny", True)
    assert registry["zori"].aliases == ("Zokin",)
    assert registry["zori"].attributes[1].generic == ""


def test_withheld_pictures_are_told_and_not_judged(published, tmp_path):
    fetch(published(), tmp_path / "back")
    folder = RunFolder(tmp_path / "back")
    page = (folder.path / "report.html").read_text()
    assert "Its pictures are withheld" in page
    assert f'"withheld":{[1] * 12}'.replace(" ", "") in page
    rows = (folder.path / "verdicts.jsonl").read_text().splitlines(keepends=True)
    (folder.path / "verdicts.jsonl").write_text("".join(rows[:-3]))
    before = (folder.path / "metrics.json").read_text()
    with pytest.raises(MissingRequirement, match="withheld from me/mine"):
        judge(folder, judge_name=str(_judge_folder(tmp_path, published)))
    assert (folder.path / "metrics.json").read_text() == before
    assert folder.manifest().status == "complete"


def _judge_folder(tmp_path: Path, published: object) -> Path:
    from tests.helpers import tiny

    return tiny.judge(tmp_path / "another-judge")


def test_pulled_pictures_can_be_judged_by_another(published, tmp_path):
    fetch(published(images=True), tmp_path / "back")
    found = rejudge(RunFolder(tmp_path / "back"), str(_judge_folder(tmp_path, published)), device="cpu")
    assert found.asked == 36
    assert found.folder.manifest().judge == found.now


def test_nothing_is_drawn_into_a_pulled_run(published, tmp_path, config):
    fetch(published(images=True), tmp_path / "back")
    folder = RunFolder(tmp_path / "back")
    next((folder.path / "images").iterdir()).unlink()
    with pytest.raises(RunConflict, match="nothing is drawn into it"):
        generate(folder, device="cpu")
    with pytest.raises(RunConflict, match="was pulled from me/mine"):
        prepare(config(out=folder.path))


def test_the_same_pull_again_has_nothing_to_do(published, tmp_path):
    dataset = published()
    fetch(dataset, tmp_path / "back")
    (again,) = fetch(dataset, tmp_path / "back")
    assert not again.fresh
    with pytest.raises(RunConflict, match="another run"):
        fetch(dataset, tmp_path / "back", revision="d" * 40)


def test_several_runs_come_back_each_in_its_folder(copy, tmp_path, finished):
    write(collect([copy("one"), copy("two")]), tmp_path / "dataset")
    assert len(fetch(tmp_path / "dataset", tmp_path / "back")) == 2
    for name in ("one", "two"):
        assert texts(tmp_path / "back" / name) == texts(finished)


def test_a_pulled_run_can_be_published_again(published, copy, tmp_path):
    first = published()
    fetch(first, tmp_path / "back")
    write(collect([RunFolder(tmp_path / "back")]), tmp_path / "second")
    (again,) = fetch(tmp_path / "second", tmp_path / "third")
    assert again.withheld
    assert texts(tmp_path / "third") == texts(tmp_path / "back")
    origin = RunFolder(tmp_path / "third").manifest().origin
    assert origin is not None
    assert origin.before is not None
    assert origin.before.how == "pulled"
    assert "rejudge" not in (tmp_path / "second" / "README.md").read_text()


@pytest.mark.parametrize(
    ("break_", "hint"),
    [
        (lambda row: {**row, "scored": 5}, "scored of DETECT of none on name is published as 5 and found"),
        (lambda row: {**row, "value": 0.25}, "value of DETECT of none on name is published as 0.25"),
        (lambda row: {**row, "high": 1e300}, r"high of DETECT of none on name is published as 1e\+300"),
        (lambda row: {**row, "value": float("nan")}, "value of DETECT of none on name is published as nan"),
        (lambda row: {**row, "mitigation": "better"}, "DETECT of better on name does not follow"),
    ],
)  # fmt: skip
def test_numbers_that_do_not_follow_from_the_rows_are_refused(published, finished, tmp_path, break_, hint):
    dataset = published()
    _change(dataset, "metrics", break_)
    with pytest.raises(BadFile, match=f"do not follow from its rows: {hint}.*--recompute"):
        fetch(dataset, tmp_path / "back")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["dataset", "runs"]
    (pulled,) = fetch(dataset, tmp_path / "back", recompute=True)
    assert not pulled.same
    assert texts(tmp_path / "back")["metrics.json"] == texts(finished)["metrics.json"]


def test_the_last_digits_may_be_those_of_another_machine(published, tmp_path):
    dataset = published()
    _change(dataset, "metrics", lambda row: {**row, "value": row["value"] and row["value"] * (1 + 1e-12)})
    assert fetch(dataset, tmp_path / "back")[0].same


def test_what_pull_takes_for_the_same_verify_takes_for_sound(published, tmp_path):
    dataset = published()
    _change(dataset, "metrics", lambda row: {**row, "value": row["value"] and row["value"] + 1e-7})
    assert fetch(dataset, tmp_path / "back")[0].same
    told = [f.what for f in verify(RunFolder(tmp_path / "back")).faults]
    assert not [what for what in told if "other numbers" in what]


@pytest.mark.parametrize(
    "wrong", [{"extra_cost_usd": -1e300}, {"extra_seconds": float("inf")}, {"answers": -1}]
)
def test_what_a_filter_is_told_to_have_cost_can_be(wrong):
    told = {"judges": (), "seen": (), "seed": 0, "extra_pictures": 0, "answers": 0, "extra_seconds": 0.0}
    row = ImageRow(request="r", outcome="refused_output", review=Review(**{**told, **wrong}))
    asked = Request(
        id="r", model="m", character="c", prompt_set="name", run_seed=0, seed=0, mitigation="none",
        source_prompt="x", prompt="x", sampling=Sampling(steps=1, guidance=0, height=8, width=8),
    )  # fmt: skip
    manifest = Manifest(config=RunConfig(), model="m")
    check_rows([asked], [row.model_copy(update={"review": Review(**told)})], [], manifest, "it")
    with pytest.raises(BadFile, match="no number that can be"):
        check_rows([asked], [row], [], manifest, "it")


def test_a_correction_by_a_calibration_that_is_not_here_is_no_difference(published, tmp_path):
    dataset = published()
    _change(dataset, "metrics", lambda row: {**row, "corrected": 1.5, "corrected_note": "TPR 0.9"})
    (pulled,) = fetch(dataset, tmp_path / "back")
    assert pulled.same
    assert RunFolder(tmp_path / "back").metrics()[0].corrected == 1.5


def _change(dataset: Path, table: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Rewrites a table as one would who also mends the list of hashes."""
    path = next((dataset / "data").glob(f"{table}*"))
    found = pq.read_table(path)
    rows = [change(r) for r in found.to_pylist()]
    pq.write_table(pa.Table.from_pylist(rows, schema=found.schema), path)
    _list(dataset, lambda told: told["files"][f"data/{path.name}"].update(sha256=_hash(path)))


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _list(dataset: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = dataset / "publication.json"
    told = json.loads(path.read_text())
    change(told)
    path.write_text(json.dumps(told))


def _called(name: str) -> Callable[[dict[str, Any]], object]:
    return lambda told: told["runs"][0].update(name=name)


@pytest.mark.parametrize(
    ("break_", "hint"),
    [
        (lambda d: (d / "data" / "metrics.parquet").write_bytes(b"PAR1"), "its hash differs"),
        (lambda d: (d / "data" / "metrics.parquet").unlink(), "is not whole"),
        (lambda d: (d / "publication.json").unlink(), "has no publication.json"),
        (lambda d: (d / "publication.json").write_text("[]"), "cannot be read"),
        (lambda d: _list(d, lambda t: t.update(format=99)), "newer copycat"),
        (lambda d: _list(d, lambda t: t.update(runs=[])), "not a list of what was published"),
        (lambda d: _list(d, lambda t: t["files"].update({"../x": {"sha256": "0"}})), "leads out"),
        (lambda d: _list(d, _called("..")), "cannot be the name"),
        (lambda d: _list(d, _called("a/../../b")), "cannot be the name"),
        (lambda d: _change(d, "images", lambda r: {**r, "file": "../../evil.png"}), "leads out"),
        (lambda d: _change(d, "images", lambda r: {**r, "file": "/etc/evil.png"}), "leads out"),
        (lambda d: _change(d, "images", lambda r: {**r, "file": "registry.yaml"}), "not in images/"),
        (lambda d: _change(d, "images", lambda r: {**r, "sha256": "0" * 64}), "not the one that was judged"),
        (lambda d: _change(d, "prompts", lambda r: {**r, "prompt": "another"}), "what its identity says"),
        (lambda d: _change(d, "verdicts", lambda r: {**r, "status": "perhaps"}), "not a verdict"),
        (lambda d: _change(d, "characters", lambda r: {**r, "references": ["/etc/x.png"]}), "leads out"),
        (lambda d: _change(d, "characters", lambda r: {**r, "slug": "x"}), "does not hold all characters"),
    ],
)  # fmt: skip
def test_a_dataset_that_is_not_true_is_refused(published, tmp_path, break_, hint):
    dataset = published(images=True)
    break_(dataset)
    with pytest.raises(BadFile, match=hint):
        fetch(dataset, tmp_path / "back")
    assert not (tmp_path / "back").exists()
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def _without(field: str, value: Any = None) -> Callable[[Path], None]:
    return lambda d: _change(d, "images", lambda r: {**r, field: value})


def _once(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """`change` of the first row alone."""
    rest = [change]
    return lambda row: rest.pop()(row) if rest else row


def _spent(**false: float) -> Callable[[Path], None]:
    return lambda d: _list(d, lambda t: t["runs"][0]["manifest"].update(spent=false))


def _drop(dataset: Path, table: str, rows: int) -> None:
    path = next((dataset / "data").glob(f"{table}*"))
    pq.write_table(pq.read_table(path).slice(rows), path)
    _list(dataset, lambda told: told["files"][f"data/{path.name}"].update(sha256=_hash(path)))


@pytest.mark.parametrize(
    ("break_", "hint"),
    [
        (_without("image"), "says that its pictures are included, and 12 of 12 are not"),
        (lambda d: _change(d, "images", _once(lambda r: {**r, "image": None})), "and 1 of 12 are not"),
        (_without("file"), "has no file or hash"),
        (_without("sha256"), "has no file or hash|not the one that was judged"),
        (lambda d: _change(d, "images", _once(lambda r: {**r, "request": "0" * 16})), "which is not in it"),
        (lambda d: _change(d, "verdicts", _once(lambda r: {**r, "request": "0" * 16})), "which is not in it"),
        (lambda d: _drop(d, "images", 2), "2 of 12 pictures have no row"),
        (lambda d: _drop(d, "verdicts", 3), "do not follow from its rows"),
        (lambda d: _list(d, lambda t: t.update(pictures="perhaps")), "not a list of what was published"),
        (lambda d: _change(d, "images", lambda r: {**r, "seconds": -1.0}), "no number that can be"),
        (lambda d: _change(d, "images", lambda r: {**r, "cost_usd": float("inf")}), "no number that can be"),
        (lambda d: _change(d, "verdicts", lambda r: {**r, "cost_usd": -1e300}), "no number that can be"),
        (_spent(usd=-5e300), "not a list of what was published"),
        (_spent(calls=-1), "not a list of what was published"),
        (lambda d: _list(d, lambda t: t["runs"].append(t["runs"][0])), "names two runs alike"),
    ],
)  # fmt: skip
def test_a_dataset_that_is_not_whole_is_refused(published, tmp_path, break_, hint):
    dataset = published(images=True)
    break_(dataset)
    with pytest.raises(BadFile, match=hint):
        fetch(dataset, tmp_path / "back")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["dataset", "runs"]


@pytest.mark.parametrize("score", [1e300, -0.5, 1.5, float("nan"), float("inf")])
def test_a_score_outside_its_range_is_refused(published, tmp_path, score):
    dataset = published()
    _change(dataset, "verdicts", lambda r: r if r["score"] is None else {**r, "score": score})
    with pytest.raises(BadFile, match="that can be none: the row's score is"):
        fetch(dataset, tmp_path / "back")


@pytest.mark.parametrize("wrong", [1e300, -1.5, float("nan")])
def test_a_similarity_outside_its_range_is_refused(wrong):
    common = {"request": "r", "kind": "identify", "image_sha256": "0", "judge": "j", "question": "q"}
    for answer in (
        Similarities.model_construct(similarities={"zori": wrong}, threshold=0.5),
        Similarities.model_construct(similarities={"zori": 0.5}, threshold=wrong),
        YesNo.model_construct(p_yes=0.5, answer_probability=wrong),
    ):
        row = Verdict.model_construct(**common, question_hash="0", answer=answer)
        with pytest.raises(BadFile, match="can be none"):
            check_answer(row, "scored", "it")
    whole = Similarities(similarities={"zori": 1.0000004}, threshold=0.5)
    check_answer(Verdict(**common, question_hash="0", answer=whole), "scored", "rounding is no lie")


def test_all_runs_come_or_none(copy, tmp_path):
    write(collect([copy("one"), copy("two")]), tmp_path / "dataset")
    _change(tmp_path / "dataset", "metrics", lambda r: {**r, "scored": 5} if r["run"] == "two" else r)
    with pytest.raises(BadFile, match="The numbers of two"):
        fetch(tmp_path / "dataset", tmp_path / "back")
    assert not any((tmp_path / "back").glob("*"))


def test_two_runs_do_not_share_a_folder(copy, tmp_path):
    write(collect([copy("one"), copy("two")]), tmp_path / "dataset")
    with pytest.raises(RunConflict, match="into one folder"):
        pull(tmp_path / "dataset", "me/mine", None, lambda run, runs: tmp_path / "back", report)
    assert not (tmp_path / "back").exists()


def test_a_pull_that_was_cut_off_is_begun_anew(published, tmp_path, monkeypatch):
    dataset = published(images=True)
    with monkeypatch.context() as cut:
        cut.setattr("copycat.publish.pull.difference", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            fetch(dataset, tmp_path / "back")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["dataset", "runs"]
    with pytest.raises(KeyboardInterrupt):
        pull(dataset, "me/mine", "c" * 40, lambda run, runs: tmp_path / "back", _interrupt)
    assert not (tmp_path / "back" / "report.html").exists()
    assert not fetch(dataset, tmp_path / "back")[0].fresh
    assert (tmp_path / "back" / "report.html").is_file(), "what was still to be made is made"


def _interrupt(_: object) -> Any:
    raise KeyboardInterrupt


def test_videos_and_strips_travel_with_their_pictures(copy, tmp_path):
    run = copy(invented=True)
    first, *rest = run.data().images.values()
    (run.path / "videos").mkdir()
    (run.path / "videos" / "a.mp4").write_bytes(b"whole video")
    strip = (run.path / str(first.file)).read_bytes()
    (run.path / "videos" / "a.png").write_bytes(strip)
    told = first.model_copy(update={"video": "videos/a.mp4", "strip": "videos/a.png"})
    rows = "".join(f"{r.model_dump_json()}\n" for r in (told, *rest))
    (run.path / "images.jsonl").write_text(rows)
    write(collect([run], pictures=True), tmp_path / "dataset")
    (back,) = fetch(tmp_path / "dataset", tmp_path / "back")
    assert (back.path / "videos" / "a.mp4").read_bytes() == b"whole video"
    assert (back.path / "videos" / "a.png").read_bytes() == strip
    assert (back.path / "images.jsonl").read_text() == rows
