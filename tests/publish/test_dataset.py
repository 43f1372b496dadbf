"""The folder that is published: what other tools read in it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import mlcroissant
import pyarrow.parquet as pq
import pytest
import yaml

from copycat.errors import BadFile, RunConflict, UserError
from copycat.publish import write as writing
from copycat.publish.card import text
from copycat.publish.collect import collect
from copycat.publish.croissant import CONFORMS_TO, CONTEXT
from copycat.publish.tables import CHARACTERS, IMAGES, METRICS, PAYLOADS, PROMPTS, TABLES, VERDICTS, described
from copycat.publish.write import write

TYPES = {"sc:Text", "sc:Integer", "sc:Float", "sc:Boolean", "sc:ImageObject", "sc:VideoObject"}


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def front(folder: Path) -> dict:
    return yaml.safe_load((folder / "README.md").read_text().split("---\n")[1])


@pytest.fixture
def load(tmp_path):
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    return lambda folder, name: datasets.load_dataset(
        str(folder), name, split="test", cache_dir=str(tmp_path / "cache")
    )


def test_load_dataset_reads_every_configuration(published, load, finished):
    folder = published()
    counts = {t.name: load(folder, t.name).num_rows for t in TABLES}
    assert counts == {"metrics": 6, "verdicts": 36, "images": 12, "prompts": 12, "characters": 3}
    rows = [json.loads(line) for line in (finished / "verdicts.jsonl").read_text().splitlines()]
    key = [r["answer"]["p_yes"] for r in rows if r["kind"] == "key"]
    assert [v["score"] for v in load(folder, "verdicts") if v["kind"] == "key"] == key
    metrics = json.loads((finished / "metrics.json").read_text())
    assert [m["value"] for m in load(folder, "metrics")] == [m["value"] for m in metrics]
    assert set(load(folder, "verdicts").unique("mitigation")) == {"none", "negprompt"}


def test_pictures_load_as_pictures(published, load, finished):
    shown = load(published(images=True), "images")
    assert type(shown.features["image"]).__name__ == "Image"
    assert shown[0]["image"].size == (shown[0]["image"].width,) * 2
    import datasets

    raw = shown.cast_column("image", datasets.Image(decode=False))
    for row in raw:
        assert hashlib.sha256(row["image"]["bytes"]).hexdigest() == row["sha256"]
        assert row["image"]["bytes"] == (finished / row["file"]).read_bytes()


def test_pictures_of_protected_characters_are_withheld(published, load):
    folder = published()
    shown = load(folder, "images")
    assert "image" not in shown.column_names
    assert all(len(row["sha256"]) == 64 and len(row["phash"]) == 16 for row in shown)
    assert not [f for f in files(folder).values() if b"\x89PNG" in f]
    card = (folder / "README.md").read_text()
    assert (
        "The pictures are withheld: they were made to show characters that somebody holds rights in" in card
    )


def test_a_picture_of_a_protected_character_takes_the_publishers_word(copy, tmp_path):
    run = copy()
    with pytest.raises(UserError, match="--i-have-the-right-to-publish-these"):
        collect([run], pictures=True)
    write(collect([run], pictures=True, right=True), tmp_path / "dataset")
    assert "the publisher stated to hold the right" in (tmp_path / "dataset" / "README.md").read_text()


def test_two_registries_of_one_name_are_not_published_together(copy):
    with pytest.raises(UserError, match="registries called tiny"):
        collect([copy("one"), copy("two", invented=True)])


def test_the_card_tells_what_the_hub_asks_and_the_figures(published, finished):
    folder = published()
    told = front(folder)
    assert told["license"] == "cc-by-4.0"
    assert told["size_categories"] == ["n<1K"]
    assert [c["config_name"] for c in told["configs"]] == [t.name for t in TABLES]
    for config in told["configs"]:
        assert all((folder / p).is_file() for p in config["data_files"][0]["path"])
    card = (folder / "README.md").read_text()
    table = (finished / "table.md").read_text()
    figures = [line for line in table.splitlines() if line.startswith("| n")]
    assert len(figures) == 2
    assert all(line in card for line in figures)
    assert "copycat run --model" in card
    assert "--mitigation none,negprompt" in card
    assert "Judge: not calibrated" in card


def test_names_stay_text_in_the_card(copy, tmp_path):
    title = "<script>alert(1)</script> | [x](javascript:1) 🐙"
    write(collect([copy()], title=title), tmp_path / "dataset")
    card = (tmp_path / "dataset" / "README.md").read_text()
    body = card.split("---\n", 2)[2]
    assert "<script>" not in body
    assert "<i>" not in body
    assert "🐙 &lt;i&gt;run &amp; co" in body
    assert front(tmp_path / "dataset")["pretty_name"] == title
    assert text("a | b\n# c") == "a \\| b # c"


def test_nothing_of_this_machine_is_published(published, tmp_path):
    folder = published()
    told = b"".join(v for v in files(folder).values())
    tables = [pq.read_table(p).to_pylist() for p in (folder / "data").iterdir()]
    # The run, its models and its registry all lie below this.
    secret = str(tmp_path.parent)
    assert secret.encode() not in told
    assert secret not in str(tables)


def test_every_column_is_described(published):
    folder = published(images=True)
    for table in TABLES:
        assert [c.name for c in table.columns if not c.about] == []
        schema = pq.read_schema(next((folder / "data").glob(f"{table.name}*")))
        shown = [p for p in PAYLOADS if p.column == "image"] if table is IMAGES else []
        assert schema.names == [name for name, _, _ in described(table, shown)]
        assert all(f.metadata[b"description"] for f in schema)


def _croissant(folder: Path) -> dict:
    return json.loads((folder / "croissant.json").read_text())


def test_croissant_is_of_the_specification_and_of_the_files(published):
    folder = published(images=True)
    told = _croissant(folder)
    assert told["conformsTo"] == list(CONFORMS_TO)
    assert told["@context"] == json.loads(CONTEXT.read_text())
    needed = {
        "name",
        "description",
        "url",
        "license",
        "creator",
        "datePublished",
        "distribution",
        "recordSet",
    }
    assert needed <= told.keys()
    objects = {o["@id"]: o for o in told["distribution"]}
    for name, o in objects.items():
        assert o["@type"] == "cr:FileObject"
        assert hashlib.sha256((folder / o["contentUrl"]).read_bytes()).hexdigest() == o["sha256"]
        assert name == o["contentUrl"]
    assert {s["@id"] for s in told["recordSet"]} == {t.name for t in TABLES}
    identities = [*objects, *(s["@id"] for s in told["recordSet"])]
    for records in told["recordSet"]:
        for field in records["field"]:
            source = field["source"]
            columns = pq.read_schema(folder / source["fileObject"]["@id"]).names
            assert source["extract"]["column"] in columns
            assert field["dataType"] in TYPES
            identities.append(field["@id"])
    assert len(set(identities)) == len(identities)


def _split(monkeypatch, copy, folder: Path) -> None:
    """Writes a dataset whose pictures take several files."""
    monkeypatch.setattr(writing, "SHARD", 1)
    monkeypatch.setattr(writing, "_AT_ONCE", 5)
    write(collect([copy(invented=True)], pictures=True), folder)


def test_many_pictures_take_several_files(monkeypatch, copy, tmp_path, load):
    _split(monkeypatch, copy, tmp_path / "dataset")
    parts = sorted(p.name for p in (tmp_path / "dataset" / "data").glob("images-*"))
    assert parts == [f"images-0000{i}.parquet" for i in range(3)]
    assert load(tmp_path / "dataset", "images").num_rows == 12
    told = _croissant(tmp_path / "dataset")
    (several,) = [o for o in told["distribution"] if o["@type"] == "cr:FileSet"]
    assert [f["@id"] for f in several["containedIn"]] == [f"data/{p}" for p in parts]


@pytest.mark.parametrize("several", [False, True])
def test_croissants_own_reader_takes_it(monkeypatch, copy, tmp_path, published, several):
    folder = tmp_path / "dataset"
    if several:
        _split(monkeypatch, copy, folder)
    else:
        published()
    read = mlcroissant.Dataset(folder / "croissant.json")
    issues = read.metadata.ctx.issues
    assert (list(issues.errors), list(issues.warnings)) == ([], [])
    assert read.metadata.ctx.is_v1_1()
    assert len(list(read.records("metrics"))) == 6
    assert next(iter(read.records("verdicts")))["verdicts/names"] is not None
    assert "Not meant for training" in read.metadata.data_use_cases[1]


def test_croissants_own_reader_refuses_what_is_none(published):
    """The check can fail: a field without a type, and a table that is nowhere."""
    folder = published()
    told = _croissant(folder)
    del told["recordSet"][0]["field"][0]["dataType"]
    told["recordSet"][1]["field"][0]["source"]["fileObject"]["@id"] = "data/nowhere.parquet"
    (folder / "croissant.json").write_text(json.dumps(told))
    with pytest.raises(mlcroissant.ValidationError):
        mlcroissant.Dataset(folder / "croissant.json")


def test_croissant_says_for_responsible_use_what_the_run_knows_and_no_more(copy, tmp_path):
    run = copy()
    write(collect([run]), tmp_path / "dataset")
    told = _croissant(tmp_path / "dataset")
    said = {k: v for k, v in told.items() if k.startswith(("rai:", "prov:"))}
    manifest = run.manifest()
    assert "12 pictures were planned of the model" in said["rai:dataCollection"]
    assert "run seeds 0, 1" in said["rai:dataCollection"]
    assert said["rai:dataCollectionTimeframe"] == [manifest.created, manifest.finished]
    assert said["rai:machineAnnotationTools"] == [manifest.judge]
    assert f"{manifest.judge} was asked identify 12 times" in said["rai:dataAnnotationProtocol"]
    assert said["rai:dataBiases"] == ["Judge: not calibrated, so its error rates are unknown."]
    assert said["rai:hasSyntheticData"] is True
    drawn, judged = said["prov:wasGeneratedBy"]
    assert drawn["prov:startedAtTime"] == manifest.stages["generate"].started
    assert judged["prov:label"].endswith(f"judging by {manifest.judge}")
    assert [x for x in said if not said[x]] == []
    # Nobody labelled it, no attack was run, nothing was pulled: so nothing is said of that.
    absent = {"dataAnnotationPlatform", "annotationsPerItem", "annotatorDemographics", "dataSocialImpact"}
    assert not said.keys() & {f"rai:{name}" for name in absent}
    assert "prov:wasDerivedFrom" not in said
    card = (tmp_path / "dataset" / "README.md").read_text()
    assert all(text(limit) in card for limit in said["rai:dataLimitations"])


def test_the_same_runs_give_the_same_bytes(copy, tmp_path):
    run = copy()
    for name in ("one", "two"):
        write(collect([run]), tmp_path / name)
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_a_dataset_is_replaced_and_nothing_else_is(copy, tmp_path):
    run, folder = copy(invented=True), tmp_path / "dataset"
    write(collect([run], pictures=True), folder)
    write(collect([run]), folder)
    assert "image" not in pq.read_schema(folder / "data" / "images-00000.parquet").names
    assert sorted(p.name for p in tmp_path.iterdir() if "dataset" in p.name) == ["dataset"]
    with pytest.raises(RunConflict, match="no dataset of copycat's"):
        write(collect([run]), run.path)
    assert run.manifest_path.is_file()


def test_a_run_without_verdicts_or_figures_is_not_published(copy):
    run = copy()
    (run.path / "metrics.json").unlink()
    with pytest.raises(UserError, match="has no metrics yet; run `copycat score"):
        collect([run])
    (run.path / "verdicts.jsonl").unlink()
    run.update(judge=None)
    with pytest.raises(UserError, match="has no verdicts yet"):
        collect([run])


def test_two_runs_of_one_name_are_not_published(copy):
    run = copy()
    with pytest.raises(UserError, match="Two runs are called"):
        collect([run, run])


def test_a_picture_that_is_missing_or_another_is_not_published(copy, tmp_path):
    run = copy(invented=True)
    picture = next((run.path / "images").iterdir())
    picture.write_bytes(b"other")
    with pytest.raises(BadFile, match="its hash differs"):
        write(collect([run]), tmp_path / "dataset")
    picture.unlink()
    with pytest.raises(BadFile, match="are not there"):
        collect([run], pictures=True)
    assert not (tmp_path / "dataset").exists()
    # Without the pictures the rest can be published all the same.
    write(collect([run]), tmp_path / "dataset")
    hashes = pq.read_table(tmp_path / "dataset" / "data" / "images-00000.parquet").column("phash")
    assert hashes.null_count == 1


def test_several_runs_share_a_dataset(copy, tmp_path):
    write(collect([copy("one"), copy("two")]), tmp_path / "dataset")
    for table, rows in ((METRICS, 12), (PROMPTS, 24), (VERDICTS, 72), (CHARACTERS, 3)):
        found = pq.read_table(tmp_path / "dataset" / "data" / f"{table.name}.parquet")
        assert found.num_rows == rows


def test_what_a_publisher_was_ready_to_pay_is_not_published(copy):
    folder = copy()
    config = folder.manifest().config.model_copy(update={"max_cost": 25.0, "cache": False, "batch": True})
    folder.update(config=config)
    told = collect([folder]).runs[0].manifest.config
    assert (told.max_cost, told.cache, told.batch) == (None, None, False)
