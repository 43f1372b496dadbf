"""The phrase around a name that is replaced: adjectives, numbers, possession, lists, what is done to it."""

from __future__ import annotations

import pytest

from benchmarks.rewrite_table import REGISTRIES
from copycat.mitigations.number import plural, plural_names, plural_phrase
from copycat.mitigations.rewrite import is_list, rewrite
from copycat.mitigations.rewrite_audit import audit, flaws, leaks
from copycat.subjects.characters import Character, Registry, load_registry
from tests.contracts.test_mitigations import CHARACTER


@pytest.fixture(scope="module")
def people():
    """Registry and character by slug."""
    registries = [load_registry(name) for name in REGISTRIES]
    return {c.slug: (r, c) for r in registries for c in r.characters}


@pytest.mark.parametrize(
    ("slug", "before", "after"),
    [
        ("hulk", "an angry green Hulk", "an angry muscular green man"),
        ("hulk", "the day Hulk came", "the day a muscular green man came"),
        ("hulk", "Angry green Hulk, rubble, city", "an angry muscular green man, rubble, city"),
        ("hulk", "photo of young Hulk in rain", "photo of a young muscular green man in rain"),
        ("yoda", "a wise old Yoda sits on a rock", "a wise old bald small green alien sits on a rock"),
        ("pikachu", "a giant yellow Pikachu", "a giant round-eared yellow mouse"),
        ("pikachu", "his Pikachu", "his small round-eared yellow mouse"),
        ("elsa", "an old Elsa", "an old ice queen"),
        ("elsa", "the princess Elsa sings", "a young ice queen sings"),
        ("batman", "Robin hugs his friend Batman", "a companion hugs a caped superhero"),
        ("batman", "a big, angry Batman", "a big, angry caped superhero"),
        ("batman", "a boy watching angry Batman", "a boy watching an angry caped superhero"),
        ("batman", "a boy sees Batman", "a boy sees a caped superhero"),
        ("batman", "a girl saw Batman", "a girl saw a caped superhero"),
        ("batman", "a sleeping Batman", "a sleeping caped superhero"),
        ("batman", "Mario's happy Batman", "a cheerful moustached plumber's happy caped superhero"),
        ("pikachu", "that Pikachu waves", "that small round-eared yellow mouse waves"),
        ("sonic-the-hedgehog", "super fast Sonic", "a super fast small blue hedgehog"),
        ("mario", "every Mario", "every cheerful moustached plumber"),
        ("mario", "Angry Mario stomps. Happy Mario waves.",
         "An angry cheerful moustached plumber stomps. A happy cheerful moustached plumber waves."),
    ],
)  # fmt: skip
def test_one_article_and_no_word_twice(people, slug, before, after):
    registry, character = people[slug]
    found = audit(before, character, registry)
    assert (found.after, found.flaws) == (after, ())


@pytest.mark.parametrize(
    ("slug", "before", "after"),
    [
        ("smurf", "two Smurfs", "two tall blue gnomes"),
        ("smurf", "a hundred angry Smurfs", "a hundred angry tall blue gnomes"),
        ("smurf", "the Smurfs' village", "tall blue gnomes' village"),
        ("smurf", "a Smurfs village", "a tall blue gnome village"),
        ("pikachu", "a group of Pikachus", "a group of small round-eared yellow mice"),
        ("pikachu", "Pikachus running in a field", "small round-eared yellow mice running in a field"),
        ("pikachu", "two Pikachu", "two small round-eared yellow mice"),
        ("pikachu", "two Pikachu toys", "two small round-eared yellow mouse toys"),
        ("minion", "three minions in a lab", "three tall yellow creatures in a lab"),
        ("batman", "three Batmen", "three caped superheroes"),
        ("batman", "a robin and two Jokers", "a robin and two companions"),
        ("link", "two Links", "two young pointy-eared swordsmen"),
        ("link", "Links in a chain", "Links in a chain"),
        ("peter-pan", "two Peter Pans", "two mischievous flying boys in green"),
        ("hello-kitty", "Hello Kitties", "small white kittens"),
        ("mr-krabs", "Mr. Krabs waves", "a small red crab waves"),
        ("piglet", "Piglets in straw beside two piglets", "Piglets in straw beside two piglets"),
        ("yoda", "two lightsabers", "two swords"),
    ],
)
def test_several(people, slug, before, after):
    registry, character = people[slug]
    found = audit(before, character, registry)
    assert (found.after, found.flaws, found.leaked) == (after, (), ())


@pytest.mark.parametrize(
    ("slug", "before", "after"),
    [
        ("captain-america", "Captain America's shield", "a muscular superhero's shield"),
        ("captain-america", "a house like Captain America's", "a house like a muscular superhero's"),
        ("captain-america", "Captain America's a hero",
         "a muscular superhero with a wooden shield is a hero"),
        ("peter-pan", "Peter Pan’s shadow", "a mischievous flying boy’s shadow"),
        ("thanos", "Thanos' glove", "a gaunt purple-skinned villain's glove"),
    ],
)  # fmt: skip
def test_what_a_character_has(people, slug, before, after):
    registry, character = people[slug]
    found = audit(before, character, registry)
    assert (found.after, found.flaws) == (after, ())


@pytest.mark.parametrize(
    ("slug", "before", "after"),
    [
        ("elsa", "Elsa, Anna and Olaf having a picnic", "a young ice queen and companions having a picnic"),
        ("elsa", "Elsa, Anna, Olaf and Mario wave",
         "a young ice queen, companions and a cheerful moustached plumber wave"),
        ("elsa", "On a lake, Anna and Olaf skate", "On a lake, companions skate"),
        ("link", "Link, the hero of Hyrule, rides Epona", "a young pointy-eared swordsman rides a horse"),
        ("link", "Link, field, riding Epona", "a young pointy-eared swordsman, field, riding a horse"),
    ],
)  # fmt: skip
def test_lists_and_what_is_done(people, slug, before, after):
    registry, character = people[slug]
    found = audit(before, character, registry)
    assert (found.after, found.flaws) == (after, ())


def test_a_phrase_between_commas_makes_no_list():
    assert not is_list("Zori, the owl, rides a horse")
    assert is_list("Zori, a crown, gloves with buttons")
    assert is_list("Zori, crown, rides a horse")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Zori carries a star wand", "an owl carries something"),
        ("Zori with a hat, painting a star wand, waits", "an owl with a hat, waits"),
        ("an owl waving star wand", "an owl"),
        ("two red capes", "two capes"),
    ],
)
def test_verbs_keep_an_object(before, after):
    assert rewrite(before, CHARACTER) == after


def test_plurals_are_found_unless_the_name_is_one():
    def named(name: str) -> Character:
        return CHARACTER.model_copy(update={"name": name, "aliases": (), "attributes": ()})

    assert rewrite("two Zokins", named("Zokin")) == "two owls"
    assert rewrite("two Zorises", named("Zoris")) == "two Zorises"


@pytest.mark.parametrize(
    ("text", "slug", "found"),
    [
        ("a group of Pikachus", "pikachu", ("Pikachu",)),
        ("three minions in a lab", "minion", ("Minion",)),
        ("two Batmen", "pikachu", ("Batman",)),
        ("links of a chain", "link", ()),
        ("Links of a chain", "link", ()),
        ("tiny piglets", "piglet", ()),
    ],
)
def test_leaks_are_found_in_the_plural(people, text, slug, found):
    registry, character = people[slug]
    assert leaks(text, character, registry) == found


@pytest.mark.parametrize(
    ("text", "flaw"),
    [
        ("an angry green a muscular green man", "an article after green"),
        ("a wise old a bald alien", "an article after old"),
        ("two a tall blue gnome", "an article after two"),
        ("a superhero with a wooden shield's shield", "'s after with"),
    ],
)
def test_flaws(text, flaw):
    assert flaws(text) == (flaw,)


def test_what_is_no_flaw(people):
    assert flaws("such a day, flying a kite, all the men; the baby a toy") == ()
    registry, character = people["elsa"]
    assert audit("Elsa and a boy with a dog's head", character, registry).flaws == ()


def test_a_verb_without_what_it_was_about_is_a_flaw():
    registry = Registry("r", 1, [CHARACTER])
    assert audit("Zori throws star wand", CHARACTER, registry).flaws == ("nothing after throws",)
    assert audit("Zori throws a star wand", CHARACTER, registry).flaws == ()


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("mouse", "mice"), ("fox", "foxes"), ("witch", "witches"), ("pony", "ponies"), ("boy", "boys"),
        ("superhero", "superheroes"), ("swordsman", "swordsmen"), ("human", "humans"), ("wolf", "wolves"),
        ("clownfish", "clownfish"), ("child", "children"), ("robot", "robots"), ("princess", "princesses"),
    ],
)  # fmt: skip
def test_plural(one, many):
    assert plural(one) == many
    assert plural_phrase(f"a small {one} in a hat") == f"small {many} in a hat"


def test_plural_names():
    assert plural_names("Iron Man") == ("Iron Men", "Iron Mans")
    assert plural_names("Pikachu") == ("Pikachus",)
    assert plural_names("Thanos") == plural_names("ピカチュウ") == ()
