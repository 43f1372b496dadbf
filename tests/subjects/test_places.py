"""The user's own registries, prompt sets and word lists, and what relative paths in a registry mean."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from PIL import Image

from copycat.cli.ls import KINDS
from copycat.cli.validate import findings
from copycat.errors import UnknownName
from copycat.io.paths import DATA
from copycat.resolve import resolve_settings
from copycat.stages.plan import plan
from copycat.subjects.characters import Registry, load_registry, registry_yaml
from copycat.subjects.importing import import_registry
from copycat.subjects.keywords import CATALOG as KEYWORDS
from copycat.subjects.keywords import listed, ranking
from copycat.subjects.neutral import load_neutral
from copycat.subjects.prompts import available, load_prompts
from tests.helpers.styles import PROMPTS, write_styles

MINE = """\
registry: mine
version: 1
characters:
- {{slug: zo, name: Zo, owner: o, key: owl, generic: an owl, references: ["{}"]}}
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COPYCAT_HOME", str(tmp_path / "home"))
    write_styles(tmp_path / "home")
    return tmp_path / "home"


def picture(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8)).save(path)
    return path


def test_the_users_own_registry_and_prompts_are_listed_and_run(home: Path, tiny_models) -> None:
    assert ("styles", "cubism", "Cubism", "nobody", "unknown") in list(KINDS["characters"][0]())
    assert ("styles", "name", "3") in list(KINDS["prompts"][0]())
    assert available("styles") == ["name"]
    config = resolve_settings(
        model=str(tiny_models.sd), judge=str(tiny_models.judge), registry="styles", mitigations=("none",)
    )
    assert {r.prompt for r in plan(config)} == set(PROMPTS.values())
    with pytest.raises(UnknownName, match="Did you mean styles"):
        load_registry("style")
    with pytest.raises(UnknownName, match=r"Unknown prompt set 'names'\. Did you mean name"):
        load_prompts("names", "styles")


def test_the_users_files_go_before_the_shipped(home: Path) -> None:
    shipped = load_prompts("name", "menagerie")
    own = home / "prompts" / "menagerie" / "name.jsonl"
    own.parent.mkdir()
    own.write_text('{"set": "name", "character": "hupgroqui", "text": "mine"}\n')
    assert [p.text for p in load_prompts("name", "menagerie")] == ["mine"]
    assert len(shipped) == 50
    (home / "neutral").mkdir()
    (home / "neutral" / "menagerie.jsonl").write_text('{"text": "a teapot", "provenance": "mine"}\n')
    assert [n.text for n in load_neutral("menagerie")] == ["a teapot"]
    assert load_neutral("styles") == ()
    KEYWORDS.own("copycat").parent.mkdir()
    KEYWORDS.own("copycat").write_text(
        "registry: copycat\nversion: 1\nsource: me\nrankings: {emb: {source: me, keywords: {mario: [hat]}}}\n"
    )
    copycat = load_registry("copycat")
    assert ranking("emb", copycat).keywords == {"mario": ("hat",)}
    found = listed("lm", "copycat")
    assert found is not None
    assert found.source != "me", "the shipped list has what the user's lacks"
    (home / "characters" / "menagerie.yaml").write_text(MINE.format("x.png"))
    assert load_registry("menagerie").name == "mine"


def test_broken_files_are_told_and_do_not_hide_the_others(home: Path) -> None:
    (home / "characters" / "bad.yaml").write_text("registry: [")
    (home / "prompts" / "styles" / "bad.jsonl").write_text("{")
    (home / "prompts" / "styles" / "leak.jsonl").write_text(
        '{"set": "leak", "character": "cubism", "text": "a table in Cubism"}\n'
    )
    told = [str(row) for row in (*KINDS["characters"][0](), *KINDS["prompts"][0]())]
    assert sum("broken: " in row for row in told) == 2
    found = "\n".join(findings())
    assert "bad.yaml is not a character registry" in found
    assert "bad.jsonl, line 1" in found
    assert "leak: prompt 0 of cubism says the art style's name" in found


def test_references_are_relative_to_the_registry(tmp_path: Path) -> None:
    path, shown = tmp_path / "a" / "mine.yaml", picture(tmp_path / "a" / "refs" / "x.png")
    path.write_text(MINE.format("refs/x.png"))
    made = load_registry(str(path))
    assert made["zo"].references == (str(shown),)
    told = registry_yaml(made)
    assert "refs/x.png" in told
    assert str(tmp_path) not in told
    assert str(tmp_path) not in made["zo"].model_dump_json()
    # A run's copy in another folder still finds them, and a worker gets them too.
    copy = tmp_path / "b" / "registry.yaml"
    copy.parent.mkdir()
    copy.write_text(registry_yaml(made, copy.parent))
    assert load_registry(str(copy))["zo"].references == (str(shown),)
    assert pickle.loads(pickle.dumps(made))["zo"].model_dump() == made["zo"].model_dump()  # noqa: S301


def test_references_as_they_were_written_before(tmp_path: Path) -> None:
    shipped: Registry = load_registry("menagerie")
    first = shipped.characters[0]
    written_as = first.model_dump(mode="json")["references"]
    assert written_as[0].startswith("menagerie/references/")
    assert first.references[0] == str(DATA / written_as[0])
    for text in (registry_yaml(shipped), registry_yaml(shipped, tmp_path)):
        (tmp_path / "copy.yaml").write_text(text, encoding="utf-8")
        assert load_registry(str(tmp_path / "copy.yaml")).characters == shipped.characters
        assert str(DATA) not in text


@pytest.mark.parametrize("climbing", [True, False])
def test_paths_that_tell_of_this_machine_are_not_written(tmp_path: Path, climbing: bool) -> None:
    shown = picture(tmp_path / "x.png")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "mine.yaml").write_text(MINE.format("../x.png" if climbing else shown))
    character = load_registry(str(tmp_path / "a" / "mine.yaml"))["zo"]
    assert character.references == (str(shown),)
    assert character.model_dump()["references"] == ["x.png"]


def test_a_tables_references_are_found_from_the_registry_made_of_it(tmp_path: Path) -> None:
    shown = picture(tmp_path / "a" / "x.png")
    (tmp_path / "a" / "people.csv").write_text("name,owner,generic,references\nZo,o,an owl,x.png\n")
    made = import_registry(str(tmp_path / "a" / "people.csv"), tmp_path / "b" / "mine.yaml")
    assert made["zo"].references == (str(shown),)
