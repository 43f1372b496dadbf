"""From a run of real pictures to the threshold, its files and the report that cites it."""

from __future__ import annotations

import csv
import json
import random
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from copycat.cli.main import app
from copycat.config import RunConfig
from copycat.errors import UnknownName, UserError
from copycat.imitation.counts import registry_counts
from copycat.imitation.encoding import encode, encoder_card, load_encoder
from copycat.imitation.estimate import Settings
from copycat.imitation.find import Question, of_run
from copycat.imitation.measure import Choice, measure
from copycat.io.paths import DATA
from copycat.menagerie.render import render
from copycat.menagerie.world import generic_creature, make_inhabitants
from copycat.records import ImageRow, Request, Sampling, noise_seed
from copycat.report import imitation as words
from copycat.report import render_page
from copycat.runs.folder import RunFolder
from copycat.runs.imitation import Imitation, read_imitation
from copycat.stages.verify import verify
from copycat.subjects.characters import load_registry
from copycat.subjects.counts import load_counts

KNOWN = 150
"""Characters with more training pictures than this are drawn as they are, the others as somebody."""
PEOPLE = 16
CLI = CliRunner()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run of the first 16 characters, with two prompts and two seeds each; one picture was refused."""
    folder = RunFolder(tmp_path_factory.mktemp("runs") / "a-run")
    people = make_inhabitants()[:PEOPLE]
    requests, rows = [], []
    for p in people:
        for index in range(2):
            for seed in range(2):
                r = Request(
                    model="m@1",
                    character=p.slug,
                    prompt_set="name",
                    prompt_index=index,
                    run_seed=seed,
                    seed=noise_seed(seed, p.slug, "name", index, 0),
                    mitigation="none",
                    source_prompt=p.name,
                    prompt=p.name,
                    sampling=Sampling(steps=1, guidance=1, height=32, width=32),
                ).with_id()
                requests.append(r)
    folder.create(RunConfig(mitigations=("none",), prompts=("name",), seeds=(0, 1)), requests)
    by_slug = {p.slug: p for p in people}
    for i, r in enumerate(requests):
        who, draw = by_slug[r.character], random.Random(i)
        if i == 0:
            rows.append(ImageRow(request=r.id, outcome="refused_output"))
            continue
        figure = who.figure if who.training_images > KNOWN else generic_creature(draw)
        file = folder.picture_file(r)
        (folder.path / file).parent.mkdir(exist_ok=True)
        render(figure, draw)[0].save(folder.path / file)
        rows.append(ImageRow(request=r.id, outcome="ok", file=file, sha256="0" * 64))
    with folder.stage("generate"):
        folder.image_journal.append(rows)
    return folder


@pytest.fixture
def run(made: RunFolder, tmp_path: Path) -> RunFolder:
    """A copy that a test may write to."""
    shutil.copytree(made.path, tmp_path / "a-run")
    return RunFolder(tmp_path / "a-run")


def first_known() -> int:
    """The least count above KNOWN among the characters of the run."""
    return min(p.training_images for p in make_inhabitants()[:PEOPLE] if p.training_images > KNOWN)


def test_the_threshold_of_a_run_is_where_its_pictures_begin_to_be_right(made: RunFolder) -> None:
    found = of_run(made.data(), Question(settings=Settings(draws=40), device="cpu", command="c"))
    assert found.threshold == first_known()
    assert found.encoder == "menagerie-embedding"
    assert found.prompts == ("name", "name 2")
    assert len(found.points) == PEOPLE
    assert [p.count for p in found.points] == sorted(p.count for p in found.points)
    # What was refused has no score, and is no score of 0.
    refused = make_inhabitants()[0].slug
    assert next(p for p in found.points if p.concept == refused).pictures == 3
    assert found.cut is None


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """16 training pictures of each character, a quarter of which shows somebody else; of the first character
    nearly all."""
    folder = tmp_path_factory.mktemp("training")
    for i, p in enumerate(make_inhabitants()[:PEOPLE]):
        home = folder / p.slug
        home.mkdir(parents=True)
        for k in range(16):
            draw = random.Random(1000 * i + k)
            wrong = k % 4 == 0 if i else k < 14
            render(generic_creature(draw) if wrong else p.figure, draw)[0].save(home / f"{k}.png")
    (folder / make_inhabitants()[1].slug / "0.png").write_bytes(b"no picture")
    return folder


def test_training_pictures_are_filtered_and_counts_rescaled(made: RunFolder, training: Path) -> None:
    data = made.data()
    encoder = load_encoder(encoder_card("", data.registry), "cpu")
    choice = Choice(training=training)
    captions = replace(registry_counts(data.registry), unit="captions")
    found = measure(data, captions, encoder, choice)
    assert found.cuts is not None
    assert (found.unit, found.unfiltered) == ("captions whose pictures show it", ())
    counts = {p.slug: p.training_images for p in make_inhabitants()}
    shares = [s.count / counts[s.concept] for s in found.scored]
    assert sorted(shares)[len(shares) // 2] == pytest.approx(0.75, abs=0.07)
    first = next(s for s in found.scored if s.concept == make_inhabitants()[0].slug)
    assert first.count < counts[first.concept] / 2
    assert any("references stand in for them" in note for note in first.notes)


def test_counts_of_pictures_are_not_rescaled(made: RunFolder, training: Path) -> None:
    data = made.data()
    encoder = load_encoder(encoder_card("", data.registry), "cpu")
    counted = registry_counts(data.registry)
    looked_at = {slug: replace(count, downloaded=50, passed=10) for slug, count in counted.by_concept.items()}
    counts = replace(counted, by_concept=looked_at)
    found = measure(data, counts, encoder, Choice(training=training))
    true = {p.slug: p.training_images for p in make_inhabitants()}
    assert {s.concept: s.count for s in found.scored} == {s.concept: true[s.concept] for s in found.scored}
    assert found.unit == "training pictures"


def test_a_character_without_training_pictures_is_named(
    run: RunFolder, training: Path, tmp_path: Path
) -> None:
    people = [p.slug for p in make_inhabitants()[:PEOPLE]]
    shutil.copytree(training, tmp_path / "training")
    shutil.rmtree(tmp_path / "training" / people[4])
    for picture in (tmp_path / "training" / people[5]).iterdir():
        picture.unlink()
    counts = tmp_path / "counts.json"
    said = {slug: {"captions": 100 + i, "doubtful": 60 * (i == 4)} for i, slug in enumerate(people)}
    counts.write_text(json.dumps({"unit": "captions", "counts": said}), encoding="utf-8")
    where = ["--counts", str(counts), "--images", str(tmp_path / "training")]
    done = CLI.invoke(app, ["threshold", str(run.path), *where, "--draws", "0", "--device", "cpu"])
    assert done.exit_code == 0, done.output
    assert (
        f"Without training pictures in the folder: {people[4]}, {people[5]}; their references stand in for "
        "them, and their counts are as given." in done.output
    )
    found = read_imitation(run.path)
    assert found is not None
    points = {p.concept: p for p in found.points}
    assert (points[people[4]].count, points[people[5]].count) == (104, 105)
    assert points[people[6]].count < 100
    assert "it has no training pictures in the folder" in points[people[5]].notes[0]
    assert points[people[4]].notes[1].startswith("58% of what was counted may mean something else")
    assert points[people[6]].notes == ()
    assert found.unit == "captions whose pictures show it"
    text = (run.path / "threshold.md").read_text(encoding="utf-8")
    assert "| concept | captions whose pictures show it | score |" in text
    assert points[people[5]].notes[0] in text
    with (run.path / "threshold.csv").open(encoding="utf-8", newline="") as f:
        rows = {r["concept"]: r for r in csv.DictReader(f)}
    assert rows[people[5]]["unit"] == found.unit
    assert points[people[5]].notes[0] in rows[people[5]]["notes"]
    assert found.command == (
        f"copycat threshold {run.path.name} --counts counts.json --images training --draws 0 --device cpu"
    )
    assert str(tmp_path) not in render_page(run.data())


def test_a_name_of_the_catalogue_is_taken_for_counts(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ["threshold", str(run.path), "--draws", "0", "--device", "cpu", "--counts"]
    done = CLI.invoke(app, [*arguments, "menagerie"])
    assert done.exit_code == 0, done.output
    assert re.search(r"Imitation sets in at [\d,]+ captions: ", done.output)
    found = read_imitation(run.path)
    assert found is not None
    shipped = load_counts("menagerie")
    assert (found.corpus, found.unit) == (shipped.corpus, "captions")
    assert {p.concept: p.count for p in found.points} == shipped.known(p.concept for p in found.points)
    svg = (run.path / "threshold.svg").read_text(encoding="utf-8")
    assert "captions (effective count of the concept)" in svg
    done = CLI.invoke(app, [*arguments, "menagerei"])
    assert isinstance(done.exception, UnknownName)


def test_the_program_writes_all_files_and_the_report_cites_them(run: RunFolder) -> None:
    done = CLI.invoke(app, ["threshold", str(run.path), "--draws", "40", "--device", "cpu"])
    assert done.exit_code == 0, done.output
    assert f"Imitation sets in at {first_known()} training pictures" in done.output
    found = read_imitation(run.path)
    assert found is not None
    assert found.threshold == first_known()
    assert found.command == "copycat threshold a-run --draws 40 --device cpu"
    text = (run.path / "threshold.md").read_text(encoding="utf-8")
    assert words.verdict(found) in text
    with (run.path / "threshold.csv").open(encoding="utf-8", newline="") as f:
        rows = list(csv.DictReader(f))
    assert [float(r["count"]) for r in rows] == [p.count for p in found.points]
    assert {r["side"] for r in rows if float(r["count"]) >= first_known()} == {"after"}
    assert (run.path / "threshold.png").read_bytes().startswith(b"\x89PNG")
    page = render_page(run.data())
    assert words.verdict(found) in page
    assert 'id="threshold"' in page
    assert 'class="threshold"' in page
    strange = [f for f in verify(run).findings if "not the run's" in str(f)]
    assert strange == []


def test_the_page_says_nothing_of_a_threshold_before_it_was_asked_for(run: RunFolder) -> None:
    assert 'id="threshold"' not in render_page(run.data())


def test_the_table_that_was_written_is_read_back(run: RunFolder, tmp_path: Path) -> None:
    CLI.invoke(app, ["threshold", str(run.path), "--draws", "0", "--device", "cpu"])
    table = run.path / "threshold.csv"
    done = CLI.invoke(app, ["threshold", str(table), "--draws", "0", "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    again = Imitation.model_validate_json((tmp_path / "out" / "threshold.json").read_text(encoding="utf-8"))
    first = read_imitation(run.path)
    assert first is not None
    assert (again.threshold, again.reference) == (first.threshold, first.reference)
    assert again.source == "threshold.csv"
    assert again.unit == first.unit == "training pictures"


def test_a_second_encoder_says_how_far_it_matters(made: RunFolder) -> None:
    encoders = ("menagerie-embedding", "menagerie-phash")
    found = of_run(made.data(), Question(settings=Settings(draws=0), encoders=encoders, device="cpu"))
    told = next(iter(found.sensitivity))
    alone = of_run(made.data(), Question(settings=Settings(draws=0), encoders=encoders[1:], device="cpu"))
    assert told.choice == "encoder menagerie-phash"
    assert (told.threshold, told.concepts) == (alone.threshold, len(alone.points))
    assert [p.score for p in alone.points] != [p.score for p in found.points]
    assert told.threshold != found.threshold


def test_a_picture_that_is_none_has_no_vector(tmp_path: Path) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    good = DATA / "menagerie" / "references" / make_inhabitants()[0].slug / "00.png"
    registry = load_registry("menagerie")
    done: list[int] = []
    found = encode(load_encoder(encoder_card("", registry), "cpu"), [bad, good], done.append)
    assert (found.files, found.broken, sum(done)) == ((good,), (bad,), 2)
    assert found.vectors.shape[0] == 1


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--rule", "best"], "no rule"),
        (["--cut", "middle"], "no cut"),
        (["--penalty", "0"], "above 0"),
        (["--draws", "5"], "20 bootstrap draws"),
        (["--mitigation", "rewrite"], "Unknown mitigation of the run 'rewrite'"),
        (["--prompts", "nonesuch"], "Unknown prompt set of the run 'nonesuch'"),
        (["--counts", "nonesuch.csv"], "cannot be read"),
        (["--images", "nonesuch"], "holds no training pictures"),
        (["--encoder", "menagerie-panel"], "makes no vectors"),
        (["--encoder", "nonesuch"], "Unknown judge 'nonesuch'"),
    ],
)
def test_a_mistake_is_one_sentence_and_writes_nothing(run: RunFolder, arguments: list[str], why: str) -> None:
    before = sorted(p.name for p in run.path.iterdir())
    done = CLI.invoke(app, ["threshold", str(run.path), "--device", "cpu", *arguments])
    assert isinstance(done.exception, UserError), done.output
    assert why in str(done.exception)
    assert "\n" not in str(done.exception)
    assert sorted(p.name for p in run.path.iterdir()) == before


def test_counts_of_nobody_in_the_run_are_refused(run: RunFolder, tmp_path: Path) -> None:
    counts = tmp_path / "counts.csv"
    counts.write_text("concept,count\nsomebody,3\n", encoding="utf-8")
    done = CLI.invoke(app, ["threshold", str(run.path), "--counts", str(counts), "--device", "cpu"])
    assert "None of the run's 16 characters has a count" in str(done.exception)


def test_a_table_takes_no_counts(tmp_path: Path) -> None:
    table = tmp_path / "scores.csv"
    table.write_text("concept,count,score\na,1,0.1\n", encoding="utf-8")
    done = CLI.invoke(app, ["threshold", str(table), "--counts", str(table)])
    assert "are for runs" in str(done.exception)


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    table = tmp_path / "scores.csv"
    table.write_text("concept,count,score\na,1,0.1\n", encoding="utf-8")
    done = CLI.invoke(app, ["threshold", str(table), "--out", str(tmp_path)])
    assert "holds files that are no threshold" in str(done.exception)


def test_too_few_concepts_are_said(tmp_path: Path) -> None:
    table = tmp_path / "scores.csv"
    table.write_text("concept,count,score\na,1,0.1\n", encoding="utf-8")
    done = CLI.invoke(app, ["threshold", str(table), "--out", str(tmp_path / "out")])
    assert "there are 1" in str(done.exception)
    assert not (tmp_path / "out").exists()


def test_a_broken_record_is_said_by_the_report(run: RunFolder) -> None:
    (run.path / "threshold.json").write_text(json.dumps({"threshold": "x"}), encoding="utf-8")
    with pytest.raises(UserError, match="is no threshold"):
        render_page(run.data())


def test_none_is_said_with_what_could_have_been_found(tmp_path: Path) -> None:
    table = tmp_path / "flat.csv"
    values = [0.5 + 0.01 * (-1) ** i for i in range(20)]
    rows = "".join(f"c{i},{i + 1},{v}\n" for i, v in enumerate(values))
    table.write_text(f"concept,count,score\n{rows}", encoding="utf-8")
    done = CLI.invoke(app, ["threshold", str(table), "--draws", "20", "--out", str(tmp_path / "out")])
    assert done.exit_code == 0
    assert "No imitation threshold was found among 20 concepts" in done.output
    assert "could have been found" in done.output
