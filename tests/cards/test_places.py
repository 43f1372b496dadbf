"""What relative paths in a card mean, what goes before what, and that nothing shipped is written to."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from copycat.cards.catalog import Catalog
from copycat.cards.judges import CATALOG as JUDGES
from copycat.cards.judges import load_judge_card, threshold_file
from copycat.cards.llms import CATALOG as LLMS
from copycat.cards.models import CATALOG as MODELS
from copycat.cards.models import load_card
from copycat.cli.main import app
from copycat.errors import BadFile, UserError
from copycat.io import paths
from copycat.io.paths import DATA
from copycat.subjects.characters import load_registry

MODEL = {
    "name": "mine", "title": "Mine", "pipeline": "StableDiffusionPipeline", "source": "weights",
    "sampling": {"steps": 1, "guidance": 1, "height": 8, "width": 8},
}  # fmt: skip


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("COPYCAT_HOME", str(tmp_path))
    for kind in ("models", "judges", "things"):
        (tmp_path / kind).mkdir()
    return tmp_path


def write(path: Path, card: dict[str, object]) -> None:
    path.write_text(yaml.safe_dump(card))


def test_paths_are_relative_to_the_card(home: Path) -> None:
    models = home / "models"
    for folder in ("weights", "slow", "motion", "faster", "bench"):
        (models / folder).mkdir()
    (models / "styles.yaml").write_text("")
    presets = {
        "slow": {"source": "slow", "motion_adapter": {"source": "faster"}},
        "hub": {"source": "x/y", "revision": "0" * 40},
    }
    used = {"motion_adapter": {"source": "./motion"}, "registry": "styles.yaml", "judge": "./bench"}
    write(models / "mine.yaml", {**MODEL, **used, "presets": presets})
    card = load_card("mine")
    assert (card.source, card.folder) == (str(models / "weights"), models / "weights")
    slow = load_card("mine@slow")
    assert slow.motion_adapter is not None
    assert (slow.source, slow.motion_adapter.source) == (str(models / "slow"), str(models / "faster"))
    assert load_card("mine@hub").source == "x/y"
    assert card.motion_adapter is not None
    assert card.motion_adapter.source == str(models / "motion")
    assert (card.registry, card.judge) == (str(models / "styles.yaml"), str(models / "bench"))


def test_a_folder_of_data_is_found_where_the_card_has_none(home: Path) -> None:
    write(home / "models" / "mine.yaml", {**MODEL, "source": "menagerie/generator"})
    assert load_card("mine").source == str(DATA / "menagerie" / "generator")
    fingerprint = load_card("menagerie").fingerprint()
    assert load_card("mine").identity() == f"mine@{fingerprint}"
    write(home / "models" / "mine.yaml", {**MODEL, "source": "gone"})
    with pytest.raises(BadFile, match=str(home / "models" / "gone")):
        load_card("mine").identity()


def test_a_shipped_card_knows_data_alone() -> None:
    card = load_judge_card("menagerie-embedding")
    assert card.source == str(DATA / "menagerie" / "judge")
    assert card.calibration == str(DATA / "judges" / "menagerie-embedding.json")
    assert load_card("menagerie-video").motion_adapter.source == str(DATA / "menagerie" / "motion")


def test_a_judges_card_finds_its_files(home: Path) -> None:
    judges = home / "judges"
    (judges / "vlm").mkdir()
    (judges / "mine.yaml").write_text("registry: x")
    (judges / "rates.json").write_text('{"tpr": 0.9}')
    write(
        judges / "bench.yaml",
        {"name": "bench", "kind": "panel", "members": ["menagerie", "./vlm[references=1]"],
         "registry": "mine.yaml", "calibration": "rates.json"},
    )  # fmt: skip
    card = load_judge_card("bench")
    assert card.members == ("menagerie", f"{judges / 'vlm'}[references=1]")
    assert card.registry == str(judges / "mine.yaml")
    assert card.measured() == {"tpr": 0.9}


def test_a_threshold_is_kept_in_the_users_folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = DATA / "judges" / "menagerie-phash.json"
    before, kept = shipped.read_bytes(), threshold_file("menagerie-phash")
    assert kept == home / "judges" / "menagerie-phash.json"
    done = CliRunner().invoke(app, ["calibrate", "menagerie-phash", "--fpr", "0.05"])
    assert done.exit_code == 0, done.output
    assert str(kept) in done.output.replace("\n", "")
    assert shipped.read_bytes() == before
    assert load_judge_card("menagerie-phash").calibration == str(kept)
    assert json.loads(kept.read_text())["fpr_wanted"] == 0.05
    elsewhere = home / "here.json"
    CliRunner().invoke(app, ["calibrate", "menagerie-phash", "--out", str(elsewhere)])
    assert json.loads(elsewhere.read_text())["fpr_wanted"] == 0.01
    assert json.loads(kept.read_text())["fpr_wanted"] == 0.05


def test_nothing_is_built_into_an_installed_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(paths, "PACKAGE", tmp_path / "copycat")
    inside = tmp_path / "copycat" / "_shipped" / "data"
    done = CliRunner().invoke(app, ["menagerie", "neutral", "--data", str(inside)])
    assert isinstance(done.exception, UserError)
    assert "never changed" in str(done.exception)
    assert not inside.exists()
    assert paths.check_writable(tmp_path / "other") == tmp_path / "other"


def things(folder: Path) -> Catalog[str]:
    return Catalog("things", singular="thing", folder=folder, parse=Path.read_text)


def test_what_goes_before_what(home: Path, tmp_path: Path) -> None:
    shipped = tmp_path / "shipped"
    shipped.mkdir()
    for place, text in ((shipped, "shipped"), (home / "things", "own")):
        (place / "both.yaml").write_text(text)
    (shipped / "two.yml").write_text("yml")
    (shipped / "two.yaml").write_text("yaml")
    (home / "things" / "short.yml").write_text("yml")
    catalog = things(shipped)
    assert catalog.names() == ["both", "short", "two"]
    assert [catalog.get(n) for n in catalog.names()] == ["own", "yml", "yaml"]
    assert list(catalog.each("both")) == ["own", "shipped"]
    assert list(catalog.each("gone")) == []


def test_a_package_may_bring_a_registry(home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    site = tmp_path / "site"
    info = site / "people-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: people\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[copycat.characters]\npeople = people_pkg:REGISTRY\nmenagerie = people_pkg:REGISTRY\n"
        "[copycat.prompts]\npeople/name = people_pkg:PROMPTS\n"
    )
    (site / "people.yaml").write_text(
        "registry: people\nversion: 1\ncharacters:\n- {slug: zo, name: Zo, owner: o, generic: an owl}\n"
    )
    (site / "name.jsonl").write_text('{"set": "name", "character": "zo", "text": "Zo"}\n')
    (site / "people_pkg.py").write_text(
        "from pathlib import Path\nREGISTRY = Path(__file__).with_name('people.yaml')\n"
        "PROMPTS = Path(__file__).with_name('name.jsonl')\n"
    )
    monkeypatch.syspath_prepend(str(site))
    from copycat.subjects.prompts import load_prompts

    assert len(load_registry("people")) == 1
    assert [p.text for p in load_prompts("name", "people")] == ["Zo"]
    assert load_registry("menagerie").name == "menagerie", "what is shipped goes before a package"
    monkeypatch.delitem(sys.modules, "people_pkg", raising=False)


@pytest.mark.parametrize("catalog", [MODELS, JUDGES, LLMS], ids=lambda c: c.kind)
def test_only_a_folder_of_weights_is_a_path(catalog) -> None:
    cards = [catalog.get(name) for name in catalog.names()]
    hosted = [c for c in cards if c.api is not None]
    assert hosted
    assert not any(Path(c.source).is_absolute() for c in hosted), "it is what its provider calls it"
    local = [c for c in cards if c.source and c.api is None and c.revision is None]
    assert all(Path(c.source).is_absolute() for c in local)
