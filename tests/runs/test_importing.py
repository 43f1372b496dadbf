"""Pictures made elsewhere: what is taken, what is refused, and what the stages make of it."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from copycat.errors import BadFile, RunConflict, UnknownName, UserError
from copycat.publish.collect import collect
from copycat.publish.pull import pull
from copycat.publish.write import write
from copycat.report.differences import differences
from copycat.runs.folder import RunFolder
from copycat.runs.importing import import_images, usual_judge
from copycat.stages.asking import open_picture
from copycat.stages.generate import generate
from copycat.stages.plan import prepare
from copycat.stages.rejudge import rejudge
from copycat.stages.report import report
from tests.conftest import Tiny

EMOJI = "🐙/<b>one & two.png"
ROWS = [
    {"file": EMOJI, "character": "Zori", "prompt": "a picture of zori"},
    {"file": "two.jpg", "character": "kamo", "prompt": "a frog"},
    {"file": "three.webp", "character": "zokin", "prompt": "an owl", "mitigation": "<script>", "seed": "0"},
]
Take = Callable[..., RunFolder]


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """A folder with a PNG, a JPEG and a WebP of different sizes, and a file that is no picture."""
    folder = tmp_path / "shelf"
    (folder / "🐙").mkdir(parents=True)
    for i, name in enumerate((EMOJI, "two.jpg", "three.webp")):
        Image.new("RGB", (20 + i, 16), (40 * i, 90, 10)).save(folder / name)
    (folder / "words.png").write_text("no picture")
    Image.new("RGB", (16, 16)).save(folder / "moving.gif")
    return folder


@pytest.fixture
def take(shelf: Path, tiny_models: Tiny, tmp_path: Path) -> Take:
    def run(rows: Sequence[dict[str, Any]], **given: Any) -> RunFolder:
        table = given.pop("table", None) or tmp_path / "rows.csv"
        columns = list(dict.fromkeys(k for row in rows for k in row))
        with table.open("w", newline="", encoding="utf-8") as f:
            writer = csv.DictWriter(f, columns or ["file", "character", "prompt"])
            writer.writeheader()
            writer.writerows(rows)
        common = {"registry": str(tiny_models.registry), "judge": str(tiny_models.judge), "table": table}
        return import_images(shelf, tmp_path / "run", **{**common, **given})

    return run


def test_bytes_are_kept_and_rows_say_what_was_asked(take, shelf):
    folder = take(ROWS)
    requests, images = folder.data().requests, folder.data().images
    assert [r.character for r in requests] == ["zori", "kamo", "zori"]
    assert [r.mitigation for r in requests] == ["none", "none", "<script>"]
    assert [(r.sampling.width, r.sampling.height) for r in requests] == [(20, 16), (21, 16), (22, 16)]
    for given, request in zip(ROWS, requests, strict=True):
        row = images[request.id]
        content = (folder.path / str(row.file)).read_bytes()
        assert content == (shelf / given["file"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == row.sha256
        assert request.provenance[0].config["file"] == given["file"]
    assert [Path(str(images[r.id].file)).suffix for r in requests] == [".png", ".jpg", ".webp"]
    manifest = folder.manifest()
    assert manifest.model.startswith("imported@")
    assert {r.model for r in requests} == {manifest.model}


def test_the_stages_after_drawing_work_on_it(take, tiny_models, tmp_path):
    folder = take(ROWS, model="theirs")
    found = rejudge(folder, str(tiny_models.judge), device="cpu")
    # Three questions a picture, and for two of them what the prompt asked for beyond the character.
    assert found.asked == 11
    assert folder.data().finished
    detect = next(m for m in found.after if (m.metric, m.mitigation) == ("DETECT", "none"))
    assert (detect.images, detect.scored) == (2, 2)
    assert len(differences(folder.data())) >= 1
    page = (folder.path / "report.html").read_text()
    assert "made elsewhere and imported from shelf" in page
    assert page.count("<script>") == 1
    write(collect([folder]), tmp_path / "dataset")
    (back,) = pull(tmp_path / "dataset", "d", None, lambda run, runs: tmp_path / "back", report)
    assert (back.path / "table.md").read_text() == (folder.path / "table.md").read_text()
    card = (tmp_path / "dataset" / "README.md").read_text().split("---\n", 2)[2]
    assert "copycat import-images shelf" in card
    assert "<script>" not in card


def test_nothing_is_drawn_into_it(take, config):
    folder = take(ROWS)
    before = {p: p.read_bytes() for p in folder.path.rglob("*") if p.is_file()}
    with pytest.raises(RunConflict, match="holds pictures made elsewhere"):
        prepare(config(out=folder.path))
    with pytest.raises(RunConflict, match="choose another output folder"):
        generate(folder, device="cpu")
    assert {p: p.read_bytes() for p in before} == before
    with pytest.raises(RunConflict, match="is there already"):
        take(ROWS)


def test_seeds_and_prompts_pair_across_mitigations(take, shelf):
    rows = []
    for mitigation in ("none", "theirs"):
        for seed in (0, 1):
            for prompt in ("a frog", "a green frog"):
                name = f"{mitigation}-{seed}-{prompt}.png"
                Image.new("RGB", (8, 8), (len(rows), 0, 0)).save(shelf / name)
                rows.append({"file": name, "character": "kamo", "prompt": f"{prompt}{mitigation}"})
                rows[-1] |= {"source_prompt": prompt, "seed": seed, "mitigation": mitigation}
    requests = take(rows).data().requests
    places = [(r.run_seed, r.prompt_index, r.index, r.seed) for r in requests]
    assert places[:4] == places[4:]
    assert len(set(places)) == 4
    assert len({r.id for r in requests}) == 8


def test_pictures_of_one_prompt_and_seed_are_numbered(take, shelf):
    for name in ("a.png", "b.png"):
        Image.new("RGB", (8, 8)).save(shelf / name)
    rows = [{"file": n, "character": "kamo", "prompt": "a frog"} for n in ("a.png", "b.png")]
    assert [r.index for r in take(rows).data().requests] == [0, 1]


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_the_hubs_folders_of_pictures_are_taken_as_they_are(shelf, tiny_models, tmp_path, form):
    rows = [{"file_name": r["file"], "character": r["character"], "text": r["prompt"]} for r in ROWS]
    path = shelf / f"metadata.{form}"
    if form == "csv":
        lines = ["file_name,character,text", *(",".join(r.values()) for r in rows)]
        path.write_text("\ufeff" + "\n".join(lines), encoding="utf-8")
    elif form == "jsonl":
        path.write_text("\n".join(json.dumps(r) for r in rows))
    else:
        pq.write_table(pa.Table.from_pylist(rows), path)
    given = {"registry": str(tiny_models.registry), "judge": str(tiny_models.judge)}
    assert len(import_images(shelf, tmp_path / "run", **given).data().requests) == 3


GOOD = ROWS[1]


@pytest.mark.parametrize(
    ("rows", "hint"),
    [
        ([], "lists no picture"),
        ([{"file": "two.jpg", "character": "kamo"}], "has no column prompt"),
        ([GOOD, {**GOOD, "file": "gone.png"}], "row 2: gone.png is not there"),
        ([{**GOOD, "file": "../rows.csv"}], "leads out of its folder"),
        ([{**GOOD, "file": "🐙/../../x.png"}], "leads out of its folder"),
        ([{**GOOD, "file": "/etc/passwd"}], "leads out of its folder"),
        ([{**GOOD, "file": "link.png"}], "is a link that leads out"),
        ([{**GOOD, "file": "words.png"}], "words.png is not a picture that opens"),
        ([{**GOOD, "file": "🐙"}], "is not there"),
        ([{**GOOD, "file": "moving.gif"}], "is GIF; convert it"),
        ([{**GOOD, "character": "kammo"}], "row 1: Unknown character 'kammo'. Did you mean kamo"),
        ([GOOD, {**GOOD, "prompt": "another"}], "row 2: two.jpg is row 1 already"),
        ([GOOD, {**GOOD, "file": "./two.jpg"}], "is row 1 already"),
        ([{**GOOD, "prompt": ""}], "row 1: prompt: field required"),
        ([{**GOOD, "seed": "first"}], "row 1: seed"),
        ([{**GOOD, "seed": "-1"}], "row 1: seed"),
        ([{**GOOD, "file": f"{i}.png"} for i in range(9)], "and 6 more rows. Nothing was imported"),
    ],
)  # fmt: skip
def test_a_table_that_is_not_right_is_refused_whole(take, shelf, tmp_path, rows, hint):
    outside = tmp_path / "outside.png"
    Image.new("RGB", (8, 8)).save(outside)
    (shelf / "link.png").symlink_to(outside)
    with pytest.raises(BadFile) as told:
        take(rows)
    assert hint in str(told.value)
    assert not (tmp_path / "run").exists()


def test_other_mistakes_are_refused_too(take, shelf, tmp_path, tiny_models):
    rows = [{**r, "model": f"m{i}"} for i, r in enumerate(ROWS)]
    with pytest.raises(UserError, match="pictures of 3 models"):
        take(rows)
    with pytest.raises(UnknownName, match="judge"):
        take(ROWS, judge="menagrie")
    with pytest.raises(UserError, match="knows only the characters of menagerie"):
        take(ROWS, judge="menagerie")
    with pytest.raises(UnknownName, match="registry"):
        take(ROWS, registry="menagrie")
    with pytest.raises(BadFile, match=r"no metadata\.csv"):
        import_images(shelf, tmp_path / "run", registry=str(tiny_models.registry))
    with pytest.raises(BadFile, match="not a folder of pictures"):
        import_images(shelf / "gone", tmp_path / "run", registry=str(tiny_models.registry))
    (shelf / "rows.xlsx").write_text("")
    with pytest.raises(BadFile, match="no table of pictures"):
        import_images(shelf, tmp_path / "run", registry=str(tiny_models.registry), table=shelf / "rows.xlsx")
    assert not (tmp_path / "run").exists()


def test_a_picture_that_could_be_a_trap_is_refused(take, monkeypatch, tmp_path):
    monkeypatch.setattr("copycat.io.pictures.MOST_PIXELS", 100)
    with pytest.raises(BadFile, match=r"two\.jpg is too large: 21 × 16 pixels, and at most 100 are taken"):
        take([GOOD])
    assert not (tmp_path / "run").exists()


def test_pictures_are_imported_as_they_are_and_seen_as_a_person_sees_them(take, shelf):
    """The bytes stay, and size and judged pixels are those of the upright picture on white."""
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (20, 10), "red").save(shelf / "turned.jpg", exif=exif)
    Image.new("RGBA", (8, 8), (255, 0, 0, 0)).save(shelf / "clear.png")
    frames = [Image.new("RGB", (8, 8), c) for c in ("red", "blue")]
    frames[0].save(shelf / "moving.webp", save_all=True, append_images=frames[1:], lossless=True)
    names = ("turned.jpg", "clear.png", "moving.webp")
    data = take([{**GOOD, "file": name, "prompt": name} for name in names]).data()
    rows = [data.images[r.id] for r in data.requests]
    for name, row in zip(names, rows, strict=True):
        assert (data.path / str(row.file)).read_bytes() == (shelf / name).read_bytes()
        assert row.sha256 == hashlib.sha256((shelf / name).read_bytes()).hexdigest()
    assert (data.requests[0].sampling.width, data.requests[0].sampling.height) == (10, 20)
    seen = [open_picture(data.path, str(row.file), str(row.sha256)) for row in rows]
    assert [p.size for p in seen] == [(10, 20), (8, 8), (8, 8)]
    assert [p.getpixel((2, 2)) for p in seen] == [(254, 0, 0), (255, 255, 255), (255, 0, 0)]
    assert data.manifest.notes == ("Animated pictures: 1; of each the first frame is judged and shown.",)


def test_the_usual_judge_knows_the_registry(tiny_models):
    from copycat.subjects.characters import load_registry

    assert usual_judge(load_registry("menagerie")) == "menagerie"
    assert usual_judge(load_registry("copycat")) == "qwen2.5-vl-7b"
    assert usual_judge(load_registry(str(tiny_models.registry))) != "menagerie"
