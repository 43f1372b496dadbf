"""Registries from tables and data sets."""

from __future__ import annotations

from pathlib import Path

import pytest

from copycat.errors import BadFile, UserError
from copycat.subjects.characters import load_registry
from copycat.subjects.importing import import_registry
from tests.conftest import Tiny

TABLE = """name,owner,key,generic,aliases,marks,year of birth
Zélie Ogre,Tin Comet,an ogre,an ogre,Zo; The Ogre,"[{""text"": ""red hat"", ""generic"": ""a hat""}]",1942
1942,Marrow Lane,a plane,a plane,,,
"""


def test_a_table_becomes_a_registry(tmp_path: Path) -> None:
    table = tmp_path / "people.csv"
    table.write_text(TABLE, encoding="utf-8")
    made = import_registry(str(table), tmp_path / "mine.yaml")
    assert (made.name, made.protected, len(made)) == ("mine", True, 2)
    ogre = made["zelie-ogre"]
    assert (ogre.aliases, ogre.attributes[0].generic) == (("Zo", "The Ogre"), "a hat")
    assert made["1942"].name == "1942"
    with pytest.raises(UserError, match="there already"):
        import_registry(str(table), tmp_path / "mine.yaml")


def test_a_name_in_digits_is_text_in_a_data_set_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train.csv").write_text(
        "name,owner,key,generic,public_domain\n19420001,7,a plane,a plane,3\n1943,7,a boat,a boat,\n"
    )
    plane, boat = import_registry(str(tmp_path / "data"), tmp_path / "mine.yaml").characters
    assert (plane.slug, plane.name, plane.owner) == ("19420001", "19420001", "7")
    assert (plane.public_domain, boat.public_domain) == ("3", "")


@pytest.mark.parametrize("kind", ["folder", "parquet"])
def test_a_published_data_set_gives_its_registry_back(tmp_path: Path, kind: str) -> None:
    import datasets

    shipped = load_registry("menagerie")
    rows = [{"registry": "menagerie", "registry_version": 1, "protected": False, **c.model_dump(mode="json")}
            for c in shipped.characters]  # fmt: skip
    for row in rows:
        row["names"] = None
    data = datasets.Dataset.from_list(rows)
    source = tmp_path / ("data" if kind == "folder" else "data.parquet")
    if kind == "folder":
        data.save_to_disk(str(source))
    else:
        data.to_parquet(str(source))
    made = import_registry(str(source), tmp_path / "mine.yaml")
    assert made.characters == shipped.characters
    assert not made.protected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,owner\nZo,Tin\n", "no column generic"),
        ("name,owner,key,generic\n", "no rows"),
        ("name,owner,key,generic\nZo,Tin\n", "cannot be read as a table of characters .*line 2"),
        ("name,owner,key,generic\nZo,,an ogre,an ogre\n", "row 1.*owner"),
        ("name,owner,key,generic\nZo,T,a,a\nZó,T,a,a\n", "zo twice"),
        ("name,owner,key,generic,origin\nZo,T,a,a,France\n", "row 1.*origin"),
    ],
)
def test_what_is_no_registry(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "bad.csv").write_text(text, encoding="utf-8")
    with pytest.raises(BadFile, match=message):
        import_registry(str(tmp_path / "bad.csv"), tmp_path / "mine.yaml")
    assert not (tmp_path / "mine.yaml").exists()


def test_a_run_takes_it(tmp_path: Path, tiny_models: Tiny) -> None:
    from copycat.stages.plan import plan

    table = tmp_path / "people.csv"
    # The tiny model has no letters with accents, and a plan refuses what a model cannot read.
    table.write_text(TABLE.replace("é", "e"), encoding="utf-8")
    import_registry(str(table), tmp_path / "mine.yaml")
    made = plan(tiny_models.config(tmp_path / "run", registry=str(tmp_path / "mine.yaml"), prompts=("name",)))
    assert {r.prompt for r in made} == {"Zelie Ogre", "1942"}
