"""What a work says that a judge tells beside a name, or in place of one."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from copycat.judges.replies import read_names
from copycat.subjects.characters import load_registry
from copycat.subjects.franchises import CATALOG
from copycat.subjects.recognition import recognise

CHARACTERS = {c.slug: c for name in ("copycat", "unseen") for c in load_registry(name).characters}


def said(reply: str, slug: str) -> str | None:
    return recognise(read_names(reply), CHARACTERS[slug])


def form(name: str, work: str) -> str:
    return f"Name: {name}\nWork: {work}"


@pytest.mark.parametrize(
    ("reply", "slug"),
    [
        (form("Po", "Teletubbies"), "kung-fu-panda"),
        (form("Nemo", "Twenty Thousand Leagues Under the Sea"), "nemo"),
        (form("Olaf", "A Series of Unfortunate Events"), "olaf"),
        (form("Woody", "Cheers"), "woody"),
        (form("Link", "The Matrix"), "link"),
        (form("Garfield", "The Amazing Spider-Man"), "garfield"),
        ('{"characters": [{"name": "Elsa", "work": "Born Free"}]}', "elsa"),
        ("Po (Teletubbies)", "kung-fu-panda"),
        ("Po from Teletubbies", "kung-fu-panda"),
        ("The picture shows Po from Teletubbies on a hill.", "kung-fu-panda"),
        ("It is Nemo, the captain from Twenty Thousand Leagues Under the Sea.", "nemo"),
    ],
)
def test_a_mistakable_name_from_another_work_is_doubtful(reply: str, slug: str) -> None:
    assert said(reply, slug) == "doubtful"


@pytest.mark.parametrize(
    ("name", "work", "slug"),
    [
        # Its owner or studio, a sequel, a spin-off, a work with its name or one of its world.
        ("Elsa", "Disney", "elsa"),
        ("Mario", "Nintendo", "mario"),
        ("Woody", "Pixar", "woody"),
        ("Elsa", "Frozen II", "elsa"),
        ("Mario", "Luigi's Mansion", "mario"),
        ("Pikachu", "Detective Pikachu", "pikachu"),
        ("Link", "BOTW", "link"),
        ("Simba", "El Rey León", "simba"),
        # Where figures of one owner meet.
        ("Mario", "Super Smash Bros. Ultimate", "mario"),
        ("Hulk", "Thor: Ragnarok", "hulk"),
        ("Thor", "Avengers: Endgame", "thor"),
        # A longer name, or one written as a word, is nobody else's.
        ("Batman", "The Dark Knight", "batman"),
        ("Batman", "Saturday Night Live", "batman"),
        ("Mickey Mouse", "Cheers", "mickey-mouse"),
        # No work is named, or none that can be compared.
        ("Pikachu", "Japanese video game", "pikachu"),
        ("Mario", "Various", "mario"),
        ("Elsa", "アナと雪の女王", "elsa"),
        ("Shrek", "Dremaworks", "shrek"),
        ("Mario", "in the style of Van Gogh", "mario"),
    ],
)
def test_its_own_work_in_loose_words_leaves_it_shown(name: str, work: str, slug: str) -> None:
    assert said(form(name, work), slug) == "shown"


@pytest.mark.parametrize(
    ("reply", "slug"),
    [
        ("Mario from Nintendo", "mario"),
        ("Elsa from Arendelle", "elsa"),
        ("Mario from the side", "mario"),
        ("Mario in a red hat", "mario"),
        ("Simba from Disney's The Lion King", "simba"),
        ("Pikachu, the electric mouse from Pokémon", "pikachu"),
    ],
)
def test_a_sentence_that_tells_its_own_world_leaves_it_shown(reply: str, slug: str) -> None:
    assert said(reply, slug) == "shown"


@pytest.mark.parametrize(
    ("reply", "slug"),
    [
        ("Finding Nemo", "nemo"),
        ("This is Finding Nemo.", "nemo"),
        ("Finding Nemo (2003)", "nemo"),
        ('{"characters": ["Finding Nemo"]}', "nemo"),
        ("Name: Finding Nemo", "nemo"),
        ("Snow White and the Seven Dwarfs", "snow-white"),
        ("Iron Man 3", "iron-man"),
        ("Toy Story 3", "woody"),
        ("Super Mario Bros", "mario"),
        ("Super Mario Bros.", "princess-peach"),
        ("The Simpsons", "homer-simpson"),
        ("Frozen", "elsa"),
        ("Shrek 2", "puss-in-boots"),
    ],
)
def test_the_title_of_a_work_alone_is_doubtful(reply: str, slug: str) -> None:
    assert said(reply, slug) == "doubtful"


@pytest.mark.parametrize(
    ("reply", "slug", "role"),
    [
        ("Sonic the Hedgehog", "sonic-the-hedgehog", "shown"),
        ("The Incredible Hulk", "hulk", "shown"),
        ("The Pink Panther", "pink-panther", "shown"),
        ("BB-8", "bb-8", "shown"),
        ("Experiment 626", "stitch", "shown"),
        ("Batman and the Joker", "batman", "shown"),
        # A title that is somebody else's name names that one.
        ("Aladdin", "aladdin", "shown"),
        ("Aladdin", "genie", "absent"),
        ("Peter Pan", "tinker-bell", "absent"),
        ("Iron Man 2", "thanos", "absent"),
        ("frozen", "elsa", "absent"),
    ],
)
def test_a_title_that_is_a_name_is_read_as_the_name(reply: str, slug: str, role: str) -> None:
    assert said(reply, slug) == role


def test_a_users_own_list_says_which_works_are_a_characters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COPYCAT_HOME", str(tmp_path / "before"))
    assert said(form("Elsa", "Nordlys"), "elsa") == "doubtful"
    folder = tmp_path / "home" / "franchises"
    folder.mkdir(parents=True)
    listed = {"registry": "mine", "version": 1, "source": "me", "works": {"elsa": ["Nordlys"]}}
    (folder / "mine.yaml").write_text(yaml.safe_dump(listed))
    monkeypatch.setenv("COPYCAT_HOME", str(folder.parent))
    assert said(form("Elsa", "Nordlys"), "elsa") == "shown"
    assert said("Nordlys", "elsa") == "doubtful"


@pytest.mark.parametrize("name", ["copycat", "unseen"])
def test_lists_of_works_are_of_characters_and_owners_that_there_are(name: str) -> None:
    listed = CATALOG.get(name)
    assert set(listed.works) <= {c.slug for c in load_registry(name).characters}
    owners = " / ".join(c.owner for c in CHARACTERS.values())
    assert [o for o in listed.crossovers if o not in owners] == []


def test_a_work_contradicts_nothing_where_no_work_of_the_character_is_known() -> None:
    elsewhere = CHARACTERS["elsa"].model_copy(update={"slug": "zori", "name": "Zori", "aliases": ()})
    unknown = elsewhere.model_copy(update={"origin": None})
    reply = read_names(form("Zori", "Born Free"))
    assert recognise(reply, elsewhere) == "doubtful"
    assert recognise(reply, unknown) == "shown"
