"""From a run to the ladder: rows, shares, page and report."""

from __future__ import annotations

import csv
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from copycat.cli.main import app
from copycat.config import RunConfig
from copycat.copies.build import Built
from copycat.copies.calibration import STYLE, Threshold, Thresholds
from copycat.copies.gallery import Gallery
from copycat.copies.variants import COPIES
from copycat.io.paths import DATA
from copycat.judges.base import question_hash, verdict
from copycat.measures.questions import IDENTIFY
from copycat.records import ImageRow, Named, Question, Request, Sampling, noise_seed
from copycat.report import render_page
from copycat.runs.folder import RunFolder
from copycat.runs.ladder import CHARACTER, NONE, LadderRow, Matched, levels, read_ladder
from copycat.stages.score import score
from copycat.stages.verify import verify
from copycat.subjects.characters import load_registry
from copycat.verbatim.images import panel
from copycat.verbatim.images.climb import Setup
from copycat.verbatim.images.explicit import DESCRIPTION, GENERIC, NAME, explicitness
from copycat.verbatim.images.standing import Standing, stand
from tests.copies.pictures import Blurred, gallery

CLI = CliRunner()
REGISTRY = load_registry("menagerie")
PEOPLE = REGISTRY.characters[:3]
PROMPTS = {"name": lambda c: c.name, "description": lambda c: ", ".join(a.text for a in c.attributes)}


def reference(slug: str, k: int) -> Image.Image:
    return Image.open(DATA / REGISTRY[slug].references[k]).convert("RGB")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """Of three characters: with the first seed an exact copy, a JPEG of a reference, and noise that the judge
    takes for the character; with the second noise alone. One picture was refused, one file is broken."""
    folder = RunFolder(tmp_path_factory.mktemp("runs") / "a-run")
    requests = [
        Request(
            model="m@1", character=c.slug, prompt_set=name, run_seed=seed,
            seed=noise_seed(seed, c.slug, name, 0, 0), mitigation="none",
            source_prompt=text(c), prompt=text(c),
            sampling=Sampling(steps=1, guidance=1, height=32, width=32),
        ).with_id()
        for c in PEOPLE for name, text in PROMPTS.items() for seed in range(2)
    ]  # fmt: skip
    folder.create(RunConfig(mitigations=("none",), prompts=tuple(PROMPTS), seeds=(0, 1)), requests)
    rows, said = [], []
    for i, r in enumerate(requests):
        file = folder.picture_file(r)
        (folder.path / file).parent.mkdir(exist_ok=True)
        if i == 3:
            rows.append(ImageRow(request=r.id, outcome="refused_output"))
            continue
        who = PEOPLE.index(REGISTRY[r.character])
        noise = Image.effect_noise((32, 32), 90 + i).convert("RGB")
        saved = COPIES["saved as JPEG"](reference(r.character, 2))
        image = noise if r.run_seed else (reference(r.character, 1), saved, noise)[who]
        image.save(folder.path / file)
        if i == 7:
            (folder.path / file).write_bytes(b"no picture")
        rows.append(ImageRow(request=r.id, outcome="ok", file=file, sha256=f"{i:064}"))
        names = (REGISTRY[r.character].name,) if who == 2 and not r.run_seed else ()
        asked = Question(
            kind=IDENTIFY.kind, form="names", request=r.id, file=file, sha256=f"{i:064}",
            text=IDENTIFY.render(REGISTRY, REGISTRY[r.character], None, 0, "plain"),
        )  # fmt: skip
        assert question_hash(asked)
        said.append(verdict(asked, "j@1", Named(names=names)))
    with folder.stage("generate"):
        folder.image_journal.append(rows)
    with folder.stage("judge"):
        folder.verdict_journal.append(said)
        folder.update(judge="j@1")
    return folder


@pytest.fixture(scope="module")
def climbed(made: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """The same, after `copycat verbatim`."""
    home = tmp_path_factory.mktemp("climbed") / "a-run"
    shutil.copytree(made.path, home)
    done = CLI.invoke(app, ["verbatim", str(home), "--device", "cpu"])
    assert done.exit_code == 0, done.output
    assert "1 pictures were not compared" in done.output
    return RunFolder(home)


def lines(folder: RunFolder) -> list[dict[str, str]]:
    with (folder.path / "ladder.csv").open(encoding="utf-8", newline="") as f:
        return list(csv.DictReader(f))


def test_every_output_gets_its_highest_rung_and_the_reference_it_reaches_it_with(climbed: RunFolder) -> None:
    by = {(r["character"], r["prompt_set"], int(r["run_seed"])): r for r in lines(climbed)}
    copied, saved, seen = (p.slug for p in PEOPLE)
    assert by[copied, "name", 0]["rung"] == "exact"
    assert by[copied, "name", 0]["reference"] == f"menagerie/references/{copied}/01.png"
    assert by[saved, "name", 0]["rung"] == "perceptual"
    assert by[saved, "name", 0]["reference"] == f"menagerie/references/{saved}/02.png"
    assert by[seen, "name", 0]["rung"] == CHARACTER
    assert by[seen, "name", 1]["rung"] in (STYLE, NONE)
    assert by[seen, "name", 1]["detected"] == "0"
    # Refused, and not to be opened.
    assert len(by) == 10


def test_shares_are_cumulative_and_what_was_not_compared_is_in_no_denominator(climbed: RunFolder) -> None:
    found = read_ladder(climbed.path)
    assert found is not None
    cell = next(c for c in found.cells if c.prompt_set == "name")
    assert (cell.planned, cell.compared, cell.refused, cell.missing) == (6, 6, 0, 0)
    shares = [cell.above[rung].value for rung in levels() if rung != NONE]
    assert shares[:2] == pytest.approx([1 / 6, 2 / 6])
    assert shares[4] == pytest.approx(3 / 6)
    assert shares == sorted(shares)
    # With any of two seeds: of three prompts one each.
    assert [cell.worst[r].value for r in ("exact", "perceptual", CHARACTER)] == pytest.approx(
        [1 / 3, 2 / 3, 1]
    )
    other = next(c for c in found.cells if c.prompt_set == "description")
    assert (other.planned, other.compared, other.refused, other.missing) == (6, 4, 1, 1)
    kinds = {c.explicit: c.compared for c in found.by_explicitness}
    assert kinds == {NAME: 6, DESCRIPTION: 4}
    assert found.judge == "j@1"
    assert len(found.unreadable) == 1


def test_the_same_command_compares_nothing_twice(climbed: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = (climbed.path / "ladder.jsonl").read_text(encoding="utf-8").splitlines()
    before = (climbed.path / "ladder.csv").read_text(encoding="utf-8")
    # One is asked again: the file that did not open.
    calls: list[int] = []
    monkeypatch.setattr("copycat.verbatim.images.climb.matches", lambda *_: calls.append(1))
    assert CLI.invoke(app, ["verbatim", str(climbed.path), "--device", "cpu"]).exit_code == 0
    assert calls == []
    again = (climbed.path / "ladder.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(again) == len(rows) + 1
    assert json.loads(again[-1])["error"]
    assert (climbed.path / "ladder.csv").read_text(encoding="utf-8") == before


def test_the_page_shows_each_output_beside_its_reference_and_the_report_cites_it(climbed: RunFolder) -> None:
    page = (climbed.path / "ladder.html").read_text(encoding="utf-8")
    assert page.count('<li class="output"') == 10
    assert panel.NOT_ADVICE in page
    assert page.count("<summary>Four factors</summary>") == 10
    for name in panel.FACTORS:
        assert page.count(f". {name}</dt>") == 10
    assert not re.search(r"(src|href)=\"(https?:)?//", page)
    text = (climbed.path / "ladder.md").read_text(encoding="utf-8")
    assert "| references kept out | by chance |" in text
    score(climbed)
    report = render_page(climbed.data())
    assert 'id="ladder"' in report
    assert 'href="ladder.html"' in report
    strange = [f for f in verify(climbed).findings if "not the run's" in str(f)]
    assert strange == []


def test_the_report_is_out_of_date_when_the_ladder_changed(climbed: RunFolder) -> None:
    climbed.write_page("<p></p>")
    assert climbed.page_is_current
    path = climbed.path / "ladder.json"
    before = path.read_text(encoding="utf-8")
    path.write_text(before + " ", encoding="utf-8")
    assert not climbed.page_is_current
    path.write_text(before, encoding="utf-8")


def test_a_run_that_was_never_compared_says_nothing(made: RunFolder) -> None:
    assert read_ladder(made.path) is None
    assert 'id="ladder"' not in render_page(made.data())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no-such-run"], "Unknown run"),
        (["RUN", "--references", "no-such-folder"], "a folder of pictures, or a Parquet file"),
        (["--references", "no-such-folder", "RUN"], "a folder of pictures, or a Parquet file"),
        (["RUN", "--encoder", "ocr-names"], "makes no vectors"),
    ],
)
def test_mistakes_are_one_sentence(
    made: RunFolder, arguments: list[str], message: str, tmp_path: Path
) -> None:
    given = [str(made.path) if a == "RUN" else a for a in arguments]
    done = CLI.invoke(app, ["verbatim", *given, "--out", str(tmp_path / "out")])
    assert done.exit_code != 0
    assert message in str(done.exception)
    assert not (tmp_path / "out").exists()


def _threshold(value: float) -> Threshold:
    return Threshold(value=value, tpr=1, fpr=0, positives=1, negatives=1, found=1, chance=0)


VALUES = {"exact": 1, "perceptual": 0.9, "near-copy": 0.8, "copy": 0.7, STYLE: 0.4}
CUTS = Thresholds(
    encoder="e@1", references=40, digest="d", copies=1, kept_out=1, found=1, found_by_kind={}, chance={},
    rungs={n: _threshold(v) for n, v in VALUES.items()},
)  # fmt: skip


@pytest.mark.parametrize(
    ("likeness", "detected", "rung"),
    [
        ({"exact": 1.0, "perceptual": 1.0, "copy": 1.0}, True, "exact"),
        ({"perceptual": 0.9, "near-copy": 0.85, "copy": 0.5}, True, "perceptual"),
        ({"perceptual": 0.89, "near-copy": 0.8, "copy": 0.69}, False, "near-copy"),
        ({"perceptual": 0.1, "near-copy": 0.1, "copy": 0.7}, None, "copy"),
        ({"perceptual": 0.1, "near-copy": 0.1, "copy": 0.69}, True, CHARACTER),
        ({"perceptual": 0.1, "near-copy": 0.1, "copy": 0.69}, False, STYLE),
        ({"perceptual": 0.1, "near-copy": 0.1, "copy": 0.39}, None, NONE),
        ({"perceptual": 0.1}, False, NONE),
    ],
)
def test_the_highest_rung_that_is_reached_counts(
    likeness: dict[str, float], detected: bool | None, rung: str
) -> None:
    matches = {n: Matched(likeness=v, reference=f"{n}.png", row=0) for n, v in likeness.items()}
    found, nearest = stand(matches, CUTS, detected)
    assert found == rung
    shown = rung if rung in matches else "copy"
    assert (nearest and nearest.reference) == (f"{shown}.png" if shown in matches else None)


DESCRIBED = ", ".join(a.text for a in PEOPLE[0].attributes[1:4])


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (f"a picture of {PEOPLE[0].name} at the beach", NAME),
        (PEOPLE[0].aliases[0].upper(), NAME),
        (f"a figure with {DESCRIBED}", DESCRIPTION),
        ("one two three four five six seven eight nine ten eleven twelve", DESCRIPTION),
        (f"a {PEOPLE[0].attributes[0].text} animal", GENERIC),
        (PEOPLE[1].name, GENERIC),
        (f"{PEOPLE[0].name[:-1]}zz", GENERIC),
    ],
)
def test_how_explicit_a_prompt_is(text: str, kind: str) -> None:
    request = Request(
        model="m@1", character=PEOPLE[0].slug, prompt_set="x", run_seed=0, seed=0, mitigation="none",
        source_prompt=text, prompt="something else",
        sampling=Sampling(steps=1, guidance=1, height=32, width=32),
    )  # fmt: skip
    assert explicitness(request, REGISTRY) == kind


def test_frames_of_a_video_have_rows_of_their_own_and_the_nearest_counts(tmp_path: Path) -> None:
    who = PEOPLE[0]
    folder = RunFolder(tmp_path / "a-run")
    request = Request(
        model="m@1", character=who.slug, prompt_set="name", run_seed=0, seed=0, mitigation="none",
        source_prompt=who.name, prompt=who.name,
        sampling=Sampling(steps=1, guidance=1, height=32, width=32, frames=3, fps=2),
    ).with_id()  # fmt: skip
    folder.create(RunConfig(mitigations=("none",), prompts=("name",), seeds=(0,)), [request])
    rows = []
    for frame in range(3):
        file = folder.frame_file(request, frame)
        (folder.path / file).parent.mkdir(exist_ok=True)
        image = reference(who.slug, 4) if frame == 1 else Image.effect_noise((32, 32), 90).convert("RGB")
        image.save(folder.path / file)
        sha = f"{frame:064}"
        rows.append(
            ImageRow(request=request.id, frame=frame, outcome="ok", file=file, sha256=sha, video="v.mp4")
        )
    with folder.stage("generate"):
        folder.image_journal.append(rows)
    done = CLI.invoke(app, ["verbatim", str(folder.path), "--device", "cpu"])
    assert done.exit_code == 0, done.output
    assert [(r["frame"], r["rung"] == "exact") for r in lines(folder)] == [
        ("0", False),
        ("1", True),
        ("2", False),
    ]
    found = read_ladder(folder.path)
    assert found is not None
    (cell,) = found.cells
    assert (cell.planned, cell.compared, cell.above["exact"].value) == (1, 1, 1.0)
    assert found.judge == ""
    assert "output, frame 1" in (folder.path / "ladder.html").read_text(encoding="utf-8")


def _standing(rung: str, detected: bool | None) -> Standing:
    request = Request(
        model="m@1", character=PEOPLE[0].slug, prompt_set="x", run_seed=0, seed=0, mitigation="none",
        source_prompt="a toy", prompt="a toy", sampling=Sampling(steps=1, guidance=1, height=32, width=32),
    ).with_id()  # fmt: skip
    image = ImageRow(request=request.id, outcome="ok", file="f.png", sha256="0")
    row = LadderRow(request=request.id, image_sha256="0", setup="s")
    nearest = Matched(likeness=0.95, reference="r.png", row=0, character=PEOPLE[1].slug)
    return Standing(request, image, row, rung, nearest, detected, GENERIC)


@pytest.mark.parametrize("rung", levels())
@pytest.mark.parametrize("detected", [True, False, None])
def test_the_panel_says_of_each_factor_what_bears_on_it_and_what_nothing_says(
    rung: str, detected: bool | None
) -> None:
    standing = _standing(rung, detected)
    (again,) = panel.repeats([standing]).values()
    told = panel.factors(standing, again, REGISTRY, CUTS)
    assert [f.name for f in told] == list(panel.FACTORS)
    assert all(f.fact.endswith(".") and f.silent.endswith(".") for f in told)
    purpose, nature, amount, market = (f.fact for f in told)
    assert "generic words" in purpose
    # Whose picture it is near to, which is not whom the prompt asked for.
    assert PEOPLE[1].owner in nature
    assert ("by chance" in amount) == (rung in VALUES and rung != STYLE)
    assert ("substitute" in market) == (rung not in (STYLE, NONE))
    if rung == STYLE:
        assert ("no judge said" in purpose) == (detected is None)


@pytest.mark.parametrize("kind", [NAME, DESCRIPTION, GENERIC])
def test_the_panel_says_no_more_of_a_prompt_than_was_looked_at(kind: str) -> None:
    """A misspelt name and twelve words of anything are in kinds, and are no request for nothing."""
    standing = replace(_standing(NONE, None), explicit=kind)
    (again,) = panel.repeats([standing]).values()
    purpose = panel.factors(standing, again, REGISTRY, CUTS)[0].fact
    assert "before any mitigation" in purpose
    assert "describes the character" not in purpose
    assert "nothing in it asks" not in purpose
    assert ("misspell" in purpose) == (kind == GENERIC)
    assert ("12 words" in purpose) == (kind == DESCRIPTION)


def test_rows_are_of_references_that_are_called_so_and_stand_there() -> None:
    held = gallery(range(4))
    thresholds = CUTS.model_copy(update={"digest": held.digest})

    def digest(named: Gallery, rows: tuple[int, ...]) -> str:
        return Setup(Built(named, rows, (), thresholds), "e@1", Blurred).digest

    first = digest(held, (0, 1, 2, 3))
    assert digest(gallery(range(4)), (0, 1, 2, 3)) == first
    assert digest(held, (1, 2, 3, 4)) != first
    assert digest(replace(held, names=("a", "b", "c", "d")), (0, 1, 2, 3)) != first
    assert Setup(Built(held, (0, 1, 2, 3), (), thresholds), "e@2", Blurred).digest != first
