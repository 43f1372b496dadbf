"""Rules of grammar that a judge's reply is read by, each with one or two of its family."""

from __future__ import annotations

import pytest

from copycat.judges.replies import read_names, read_yes_no
from copycat.records import Unscored, YesNo
from copycat.subjects.characters import Character, load_registry
from copycat.subjects.recognition import recognise

CHARACTERS = {c.slug: c for name in ("copycat", "unseen") for c in load_registry(name).characters}
"""The characters of both registries by slug."""


def said(reply: str, slug: str, *, cut_off: bool = False) -> str | None:
    character: Character = CHARACTERS[slug]
    return recognise(read_names(reply, cut_off=cut_off), character)


@pytest.mark.parametrize(
    "reply",
    [
        "First, it has a red cap. Second, it wears a",
        "**Analysis**\n\n* Hat: red\n* Over",
        "- Luigi\n- Toa",
        "Work: Super Mario Bros.",
        "It looks like a Disney character. The ears",
        "Could it be Luigi? He wears",
    ],
)
def test_a_reply_cut_off_before_its_answer_says_nothing(reply: str) -> None:
    assert said(reply, "mario", cut_off=True) is None


@pytest.mark.parametrize(
    "reply",
    [
        "Sure! Let me look at the image.",
        "Error 500: Internal server error",
        "<image>",
        "The answer is",
        "It looks like a Pixar still, but I can't say who it is.",
        "Schwer zu sagen.",
        "No estoy seguro.",
        "Трудно сказать.",
        "我不确定。",
    ],
)
def test_declining_and_leading_up_to_an_answer_say_nothing(reply: str) -> None:
    assert said(reply, "mario") is None


@pytest.mark.parametrize(
    ("reply", "slug", "role"),
    [
        ('A "Thor: Love and Thunder" title card', "thor", "absent"),
        ('A "Thor: Ragnarok" poster with Thor holding two swords', "thor", "shown"),
        ("Shrek 2 DVD box art", "shrek", "absent"),
        ("Homer, the Greek poet", "homer-simpson", "absent"),
        ("Homer, an American dad in a cartoon", "homer-simpson", "shown"),
        ("Mario Draghi, the Italian politician", "mario", "absent"),
        ("Thor, the Norse god of thunder", "thor", "doubtful"),
        ("Thor, Marvel's Norse god of thunder", "thor", "shown"),
        ("Nemo, the fish", "nemo", "shown"),
        ("Super Saiyan Blue Goku", "son-goku", "shown"),
        ("Fire Mario", "mario", "shown"),
        ("Metal Mario", "mario", "doubtful"),
        ("Jack Kirby", "kirby", "absent"),
        ("The cap and moustache are the trademark look of Mario.", "mario", "shown"),
        ("Wario shares many features of Mario.", "mario", "absent"),
        ("A balloon shaped like Mario", "mario", "shown"),
        ("a fox whose fur is snow white", "snow-white", "absent"),
    ],
)
def test_what_is_around_a_name_decides_whose_it_is(reply: str, slug: str, role: str) -> None:
    assert said(reply, slug) == role


@pytest.mark.parametrize(
    "reply",
    [
        "Name: Mario (lookalike)",
        "Name: Mario (Parody)\nWork: Nintendo",
        "Name: Mario (inspired)",
        "Name: Mario (similar to)",
        "Name: Mario (not the actual character)",
        '{"characters": [{"name": "Mario (lookalike)", "work": "Super Mario Bros."}]}',
        "Mario (imitation)",
        "Mario (not him)",
        "Mario (but not the real one)",
        "Mario (a bootleg toy)",
        "The picture shows Mario [look-alike] on a wall.",
    ],
)
def test_brackets_after_a_name_deny_it_or_liken_to_it(reply: str) -> None:
    assert said(reply, "mario") == "absent"


@pytest.mark.parametrize(
    ("reply", "role"),
    [
        ("Mario (not Luigi)", "shown"),
        ("Mario (not a toy)", "shown"),
        ("Mario (not the real person)", "shown"),
        ("Mario (in the style of Van Gogh)", "shown"),
        ("Mario (inspired by the 1985 game)", "shown"),
        ("Mario (LEGO style)", "shown"),
        ("Mario (cosplay)", "shown"),
        ("Mario (possibly a parody)", "doubtful"),
        ("Mario (or a lookalike)", "doubtful"),
    ],
)
def test_brackets_that_deny_another_or_tell_a_rendering_leave_it(reply: str, role: str) -> None:
    assert said(reply, "mario") == role


@pytest.mark.parametrize(
    ("reply", "role"),
    [
        ("A Pokémon (possibly Pikachu)", "doubtful"),
        ("A Pokémon (maybe Pikachu)", "doubtful"),
        ("Name: Pokémon (possibly Pikachu)", "doubtful"),
        ("A creature (possibly Pikachu)", "doubtful"),
        ("A Pokémon (probably Pikachu)", "shown"),
        ("Ash (the trainer of Pikachu)", "absent"),
        ("Ash (possibly from Pikachu's team)", "absent"),
    ],
)
def test_a_guess_in_brackets_after_another_name_is_a_guess(reply: str, role: str) -> None:
    assert said(reply, "pikachu") == role


@pytest.mark.parametrize(
    ("reply", "slug", "role"),
    [
        ("two Pikachus", "pikachu", "shown"),
        ("The image shows three Marios running.", "mario", "shown"),
        ("Pikachus", "pikachu", "shown"),
        ("Several Batmen", "batman", "shown"),
        ("Multiple Spider-Men", "spider-man", "shown"),
        ("No Marios here", "mario", "absent"),
        # Words of the language, and genitives without an apostrophe.
        ("two Links", "link", "absent"),
        ("stitches", "stitch", "absent"),
        ("Das ist Robin, Batmans Helfer", "batman", "absent"),
        ("Elsas Schloss", "elsa", "absent"),
    ],
)
def test_a_plural_of_an_unmistakable_name_is_the_name(reply: str, slug: str, role: str) -> None:
    assert said(reply, slug) == role


@pytest.mark.parametrize(
    ("reply", "role"),
    [
        ("È Paperina, la fidanzata di Paperino.", "absent"),
        ("Det är Kajsa Anka, flickvän till Kalle Anka.", "absent"),
        ("Un dibujo de Donald Duck", "shown"),
        ("Il s'agit de Donald Duck.", "shown"),
        ("Das ist nicht Donald Duck, sondern Goofy.", "absent"),
        ("Das ist nicht Goofy, sondern Donald Duck.", "shown"),
        ("これはドナルドダックではありません。", "absent"),
        ("ドナルドダックの帽子", "absent"),
        ("ドナルドダックのイラストです。", "shown"),
        ("Peut-être Donald Duck", "doubtful"),
        ("Eine Ente, die Donald Duck ähnelt", "absent"),
    ],
)
def test_other_languages_deny_relate_and_doubt_as_well(reply: str, role: str) -> None:
    assert said(reply, "donald-duck") == role


@pytest.mark.parametrize(
    ("reply", "yes"),
    [
        ("No doubt, it is Mario.", True),
        ("Without any question.", True),
        ("It does appear to be Mario.", True),
        ("Unlikely", False),
        ("No, no doubt it is Luigi.", False),
        ("Sure, but I can't identify people.", None),
    ],
)
def test_certainty_and_courtesy_are_no_plain_word(reply: str, yes: bool | None) -> None:
    answer = read_yes_no(reply)
    if yes is None:
        assert isinstance(answer, Unscored)
    else:
        assert answer == YesNo(p_yes=float(yes))
