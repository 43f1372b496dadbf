"""A registry that says what its subjects are called and how they are asked about."""

from __future__ import annotations

from pathlib import Path

import pytest

from copycat.errors import BadFile, UnknownName
from copycat.subjects.characters import Registry, load_registry, registry_yaml
from copycat.subjects.importing import import_registry
from tests.helpers.styles import STYLES, write_styles


@pytest.fixture
def styles(tmp_path: Path) -> Registry:
    return load_registry(str(write_styles(tmp_path)))


def test_its_words_are_its_own(styles: Registry) -> None:
    assert (styles.noun, [c.key for c in styles.characters]) == ("art style", ["", "", ""])
    assert styles.wording("verify", "usual") == "Is this picture in the style of {name}? Answer Yes or No."
    assert styles.wording("key", "usual") == "usual"
    with pytest.raises(UnknownName, match=r"Unknown art style 'cubsm'\. Did you mean cubism"):
        styles.select(["cubsm"])
    with pytest.raises(UnknownName, match="Unknown art style"):
        styles["fauvism"]


def test_it_is_written_and_read_again(styles: Registry, tmp_path: Path) -> None:
    (tmp_path / "again.yaml").write_text(registry_yaml(styles), encoding="utf-8")
    again = load_registry(str(tmp_path / "again.yaml"))
    assert (again.noun, again.questions, again.characters) == (
        styles.noun,
        styles.questions,
        styles.characters,
    )


def test_others_are_characters_and_written_as_before() -> None:
    menagerie = load_registry("menagerie")
    assert (menagerie.noun, menagerie.questions) == ("character", {})
    assert menagerie.wording("identify", "usual") == "usual"
    head = registry_yaml(menagerie).partition("characters:")[0]
    assert head == "registry: menagerie\nversion: 1\nprotected: false\n"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("questions: {identfy: x}", "'identfy' is none of identify, verify, key"),
        ("questions: {verify: 'Is {who} here?'}", "verify takes {name}, {noun}, not {who}"),
        ("questions: {verify: 'Is {name.x} here?'}", "not {name.x}"),
        ("questions: {verify: 'Is {name!r} here?'}", "verify takes"),
        ("questions: {verify: 'Is {} here?'}", "not {}"),
        ("questions: {verify: 'Is {name here?'}", "verify"),
        ("questions: {verify: 'Is it here?'}", "verify must say {name}"),
        ("questions: {identify: 'Is {name} in it?'}", "identify takes {noun}"),
        ("questions: {key: 3}", "key is no text"),
        ("questions: [identify]", "a text by kind"),
        ("noun: ''", "noun is a word"),
        ("noun: 3", "noun is a word"),
    ],
)
def test_what_cannot_be_asked_is_refused(tmp_path: Path, wrong: str, message: str) -> None:
    path = tmp_path / "wrong.yaml"
    body = STYLES.partition("characters:")[2]
    path.write_text(f"registry: x\nversion: 1\n{wrong}\ncharacters:{body}", encoding="utf-8")
    with pytest.raises(BadFile) as e:
        load_registry(str(path))
    assert message in str(e.value)
    assert "\n" not in str(e.value)


def test_a_table_may_name_its_subjects(tmp_path: Path) -> None:
    (tmp_path / "styles.csv").write_text("name,owner,generic,noun\nCubism,nobody,a painting,art style\n")
    made = import_registry(str(tmp_path / "styles.csv"), tmp_path / "styles.yaml")
    assert (made.noun, made["cubism"].key) == ("art style", "")
