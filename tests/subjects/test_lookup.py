"""A name that somebody gives means one character, or is asked back."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from copycat.calibration.join import join
from copycat.calibration.labels import Label
from copycat.errors import AmbiguousName, BadFile, UnknownName
from copycat.measures import Evidence
from copycat.records import ImageRow, Request, Sampling
from copycat.runs.importing import read_given
from copycat.subjects.characters import CATALOG, Character, Registry
from copycat.subjects.upstream.checkout import Book


def character(slug: str, name: str, *aliases: str, **more: dict[str, str]) -> Character:
    return Character(slug=slug, name=name, aliases=aliases, owner="o", generic="it", **more)  # type: ignore[arg-type]


PEOPLE = Registry(
    "r",
    1,
    [
        character("ace", "Ace Bear", "The Bear", "Zoé", "bob"),
        character("bob", "Bob", "the bear", "ACE", "Uno"),
        character("Bob", "Bobby", "Zoe\u0301"),
        character("star", "★", "Ⅳ"),
        character("moon", "☾", names={"de": "Mond"}),
        character("twin", "Twin"),
        character("twin-2", "Twin"),
    ],
)


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("ace", "ace"),  # the slug, though another has it as an alias
        ("bob", "bob"),
        ("Bob", "Bob"),  # the slug before the name of another
        ("Bobby", "Bob"),
        ("bobby", "Bob"),
        ("Uno", "bob"),
        ("uno", "bob"),
        ("ace bear", "ace"),
        ("★", "star"),
        ("☾", "moon"),
        ("iv", "star"),
        ("mond", "moon"),
        ("ＭＯＮＤ", "moon"),
        ("twin", "twin"),
    ],
)
def test_slug_then_name_then_the_only_alias(name: str, slug: str) -> None:
    assert PEOPLE.find(name).slug == slug
    assert [c.slug for c in PEOPLE.select([name])] == [slug]


@pytest.mark.parametrize(
    ("name", "slugs"),
    [
        ("The Bear", ("ace", "bob")),
        ("THE BEAR", ("ace", "bob")),
        ("zoe", ("ace", "Bob")),
        ("Zoé", ("ace", "Bob")),
        ("BOB", ("ace", "bob", "Bob")),
        ("Ace", ("ace", "bob")),
        ("Twin", ("twin", "twin-2")),
    ],
)
def test_a_name_of_several_is_asked_back(name: str, slugs: tuple[str, ...]) -> None:
    with pytest.raises(AmbiguousName) as told:
        PEOPLE.find(name)
    assert told.value.slugs == slugs
    assert all(slug in str(told.value) for slug in slugs)
    with pytest.raises(AmbiguousName):
        PEOPLE.select(["bob", name])


@pytest.mark.parametrize("name", ["", " ", "☂", "bobb", "Bear"])
def test_a_name_of_nobody(name: str) -> None:
    with pytest.raises(UnknownName):
        PEOPLE.find(name)


def test_a_form_of_unicode_makes_no_difference() -> None:
    people = Registry("r", 1, [character("zoe", "Zoé Ångström")])
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert people.find(unicodedata.normalize(form, "Zoé Ångström")).slug == "zoe"  # type: ignore[arg-type]


@pytest.mark.parametrize("registry", CATALOG.names())
def test_every_shipped_name_means_its_character(registry: str) -> None:
    people = CATALOG.get(registry)
    assert all(people.find(name) is c for c in people.characters for name in (c.slug, c.name, c.name.upper()))


def evidence() -> Evidence:
    sampling = Sampling(steps=1, guidance=0, height=8, width=8)
    asked = Request(
        model="m", character="bob", prompt_set="s", run_seed=0, seed=0, mitigation="none", source_prompt="p",
        prompt="p", sampling=sampling,
    ).with_id()  # fmt: skip
    row = ImageRow(request=asked.id, outcome="ok", file="images/a.png", sha256="0" * 64)
    return Evidence([asked], {asked.id: [row]}, {}, PEOPLE)  # type: ignore[arg-type]


def test_labels_ask_back_too() -> None:
    def label(who: str, saw: str = "") -> Label:
        return Label(image="images/a.png", character=who, rater="ann", label=True, saw=saw)

    assert join([label("Bobby")], evidence()).items[0].character == "Bob"
    for asked in (label("The Bear"), label("bob", saw="Twin")):
        with pytest.raises(AmbiguousName, match="or"):
            join([asked], evidence())


def test_tables_of_pictures_ask_back_too(tmp_path: Path) -> None:
    table = tmp_path / "metadata.csv"
    table.write_text("file,character,prompt\na.png,The Bear,p\nb.png,Bobby,p\n")
    with pytest.raises(BadFile, match="row 1: 'The Bear' may be the character ace or bob"):
        read_given(table, PEOPLE)


def test_rows_of_the_suite_are_joined_to_one_or_left_out() -> None:
    book = Book(PEOPLE, {"Joker": "bob"})
    assert book.find("Joker") == {"bob"}
    assert book.find("Bobby") == {"Bob"}
    assert book.find(" The Bear ") == {"ace", "bob"}
    with pytest.raises(AmbiguousName):
        Book(PEOPLE, {"Joker": "The Bear"})
