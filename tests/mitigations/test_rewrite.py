"""The rewriter's words."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.rewrite_table import PAGE, REGISTRIES, audit_of, audits_of, free_texts, page
from copycat.mitigations import RunContext, parse
from copycat.mitigations.lexicon import lexicon_of
from copycat.mitigations.rewrite import rewrite
from copycat.mitigations.rewrite_audit import flaws, key_words, leaks
from copycat.subjects.characters import Character, Registry, load_registry
from copycat.subjects.prompts import available, load_prompts
from tests.contracts.test_mitigations import CHARACTER, REQUEST


@pytest.fixture(scope="module")
def registries():
    return {name: load_registry(name) for name in REGISTRIES}


@pytest.fixture(scope="module")
def audits(registries):
    """Every prompt of the registries, by registry and set."""
    return {name: audits_of(registry) for name, registry in registries.items()}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Zori", "an owl"),
        ("ZORI, Zokin", "an owl, an owl"),
        ("a picture of Zori", "a picture of an owl"),
        ("a Zori in the snow", "an owl in the snow"),
        ("a happy Zori", "a happy owl"),
        ("the friend of Zori", "the friend of an owl"),
        ("Zori's nest", "an owl's nest"),
        ("blue owl with red cape and star wand", "blue owl with cape"),
        ("blue owl with star wand and red cape", "blue owl with cape"),
        ("blue owl with star wand", "blue owl"),
        ("An owl with a star wand, and a hat.", "An owl with a hat."),
        ("A star wand, and a hat.", "A hat."),
        ("star wand", "an owl"),
        ("Zorinda with a red caper", "Zorinda with a red caper"),
        ("Zqri,  a blue  owl , so to say", "Zqri,  a blue  owl , so to say"),
    ],
)
def test_rewrite(before, after):
    assert rewrite(before, CHARACTER) == after


@pytest.mark.parametrize(
    ("prompt", "note"),
    [
        ("Zori in the snow", "rewritten"),
        ("blue owl with star wand", "rewritten"),
        ("a wise owl", "nothing to replace"),
    ],
)
def test_the_step_says_whether_anything_was_replaced(prompt, note):
    request = REQUEST.model_copy(update={"prompt": prompt})
    (part,) = parse("rewrite").parts
    assert part.edit_prompt(request, CHARACTER).provenance[-1].note == note


@given(st.lists(st.sampled_from(["Zori", "zokin", "red cape", "star wand", "with", "and", ",", "owl", "a"])))
def test_no_name_survives_and_rewriting_twice_is_rewriting_once(words):
    once = rewrite(" ".join(words), CHARACTER)
    assert once
    assert not Registry("r", 1, [CHARACTER]).mentioned(once)
    assert rewrite(once, CHARACTER) == once


MERMAID = Character.model_validate(
    {
        "slug": "m", "name": "Merla", "owner": "o", "key": "mermaid", "generic": "a mermaid",
        "attributes": [
            {
                "text": "bright red hair", "generic": "brown hair",
                "also": ["red hair", {"redhead": "brunette"}],
            },
            {"text": "purple shell top", "generic": "plain shirt"},
            {"text": "one-eyed look", "generic": "open look"},
        ],
        "giveaways": ["sea witch"],
    }
)  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a mermaid with hair that is bright red", "a mermaid with brown hair"),
        ("a mermaid whose hair is bright red", "a mermaid whose hair is brown"),
        ("a Red-Haired mermaid", "a brown-haired mermaid"),
        ("on a red-haired mermaid", "on a brown-haired mermaid"),
        ("there is a red-haired mermaid", "there is a brown-haired mermaid"),
        ("red wavy hair", "brown hair"),
        ("red hats and hair", "red hats and hair"),
        ("two purple shell tops", "two plain shirts"),
        ("a purple shell-top, and a hat", "a plain shirt, and a hat"),
        ("a redhead in a red house", "a redhead in a red house"),
        ("Bright red hair falls. A rock stands.", "Brown hair falls. A rock stands."),
        ("She has a purple shell top", "She has a plain shirt"),
        ("mermaid, redhead, red hair, the sea witch, Brunette, rock", "mermaid, brunette, brown hair, rock"),
        ("Merla, rock, sea", "a mermaid, rock, sea"),
        ("sea witch, sea witch, sea witches", "a mermaid"),
        ("a sea witch", "a sea witch"),
    ],
)
def test_other_wordings(before, after):
    assert rewrite(before, MERMAID) == after
    assert rewrite(after, MERMAID) == after


def test_other_wordings_are_read_and_written():
    hair, top, _ = MERMAID.attributes
    assert [(w.text, w.generic) for w in hair.also] == [("red hair", "brown hair"), ("redhead", "brunette")]
    assert Character.model_validate(MERMAID.model_dump()) == MERMAID
    assert top.model_dump() == {"text": "purple shell top", "generic": "plain shirt"}


@pytest.mark.parametrize("name", REGISTRIES)
def test_every_prompt_keeps_the_key_and_loses_the_attributes(name, registries, audits):
    registry = registries[name]
    for prompt_set, told_of in audits[name].items():
        for slug, told in told_of:
            character = registry[slug]
            where = f"{prompt_set}: {told.before!r} became {told.after!r}"
            if not character.key_given_up:
                assert told.kept == told.asked, where
            assert told.left == (), where
            assert told.leaked == () or prompt_set.startswith("misspelt"), where
            assert told.flaws == (), where
            assert slug not in registry.mentioned(told.after), where
            if not prompt_set.startswith("misspelt"):
                assert told.after != told.before or not told.removed, where
            if prompt_set == "actions":
                assert told.after == character.generic + told.before.removeprefix(character.name), where
            if told.before[0].isupper() and told.before.endswith("."):
                assert told.after[0].isupper(), where
            if prompt_set == "description":
                assert len(told.removed) >= 3, where


@pytest.mark.parametrize("name", REGISTRIES)
def test_what_stands_for_a_name_says_the_key(name, registries):
    for character in registries[name].characters:
        key, said = key_words(character.key), key_words(character.generic)
        kept = key & said if character.key_given_up else key
        assert kept, character.slug
        assert kept <= said, character.slug


def test_the_key_is_given_up_where_it_is_the_character(registries):
    given_up = [c.slug for r in registries.values() for c in r.characters if c.key_given_up]
    assert given_up == ["spider-man", "bulbasaur", "cuphead"]


@pytest.mark.parametrize("name", REGISTRIES)
def test_no_generic_word_is_an_attribute(name, registries):
    for character in registries[name].characters:
        lexicon = lexicon_of(character)
        other = [g for a in character.attributes for g in (a.generic, *(w.generic for w in a.also))]
        for generic in (character.generic, *other):
            assert not list(lexicon.matches(generic, keywords=True)), (character.slug, generic)


def test_a_keyword_prompt_is_rarely_left_as_it_is(audits):
    for sets in audits.values():
        for name in ("lm5", "lm10", "lm20", "lm50", "description"):
            assert [slug for slug, told in sets[name] if told.after == told.before] == []


@pytest.mark.parametrize("world", [False, True])
def test_the_menagerie_is_rewritten_as_ever(world):
    """Its published runs were planned with these words."""
    registry = load_registry("menagerie")
    known = registry if world else None
    lines = [
        f"{s}\t{p.character}\t{p.index}\t{rewrite(p.text, registry[p.character], known)}"
        for s in sorted(available("menagerie"))
        for p in load_prompts(s, "menagerie")
    ]
    told = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    assert told == "27f1ea04e92d0b9f62922963e235463d04117cc85f8d3f8946ded77cdeb05bfb"


@pytest.mark.parametrize(
    ("registry", "slug", "before", "after"),
    [
        ("copycat", "link", "a chain link fence and Link fighting",
         "a chain link fence and a young pointy-eared swordsman fighting"),
        ("copycat", "link", "link", "a young pointy-eared swordsman"),
        ("copycat", "link", "Link fence in a field", "Link fence in a field"),
        ("copycat", "goofy", "a goofy dog", "a goofy dog"),
        ("copycat", "goofy", "Goofy waves", "a clumsy cartoon dog waves"),
        ("copycat", "black-panther", "a black panther in the jungle", "a black panther in the jungle"),
        ("copycat", "black-panther", "Black Panther in the jungle",
         "a lean black-suited superhero in the jungle"),
        ("copycat", "piglet", "a piglet in straw", "a piglet in straw"),
        ("copycat", "princess-jasmine", "jasmine tea", "jasmine tea"),
        ("copycat", "hulk", "the hulk of an old ship", "the hulk of an old ship"),
        ("unseen", "wolverine", "a wolverine in the snow", "a wolverine in the snow"),
        ("unseen", "stitch", "a stitch in red thread", "a stitch in red thread"),
        ("unseen", "stitch", "Stitch surfs with Lilo", "a slim blue alien surfs with a companion"),
    ],
)  # fmt: skip
def test_a_name_that_is_a_word_is_one_where_it_is_written_as_one(registries, registry, slug, before, after):
    assert rewrite(before, registries[registry][slug], registries[registry]) == after


@pytest.mark.parametrize(
    ("slug", "before", "after"),
    [
        ("elsa", "the palace of Arendelle", "the palace of a kingdom"),
        ("elsa", "her friend Anna waves", "her friend waves"),
        ("elsa", "Anna, Kristoff and Sven sing let it go", "companions sing let it go"),
        ("elsa", "a Disney castle in the style of Pixar", "a castle in the style of a studio"),
        ("elsa", "Disney's castle", "castle"),
        ("elsa", "from Frozen, on a frozen lake", "from a film, on a frozen lake"),
        ("elsa", "a queen next to Mario", "a queen next to a cheerful moustached plumber"),
        ("elsa", "Arendelle, queen, castle of Arendelle, snow", "queen, castle, snow"),
        ("batman", "an old green Gotham building", "an old green city building"),
        ("batman", "in Gotham streets", "in city streets"),
        ("batman", "a man from Gotham waits", "a man from a city waits"),
        ("batman", "a man with bat ears", "a man with a flat hood"),
        ("batman", "man with bat ears", "man with flat hood"),
        ("batman", "The dark knight waits.", "The caped superhero waits."),
        ("batman", "a robin on a branch beside Robin", "a robin on a branch beside a companion"),
        ("mario", "a cap with the letter M", "a cap with the plain badge"),
    ],
)
def test_other_names_of_the_world_go(registries, slug, before, after):
    registry = registries["copycat"]
    assert rewrite(before, registry[slug], registry) == after
    assert rewrite(after, registry[slug], registry) == after


def test_a_run_tells_the_rewriter_its_registry(registries):
    registry = registries["copycat"]
    asked = REQUEST.model_copy(update={"character": "elsa", "prompt": "a queen in Arendelle"})
    bound = parse("rewrite").bind(RunContext(registry))
    assert bound.apply(asked, registry["elsa"]).prompt == "a queen in a kingdom"


def test_free_text(registries):
    """The half that the rewriter was tuned on; of the other the page tells."""
    told = [(free, audit_of(free, list(registries.values()))) for free in free_texts()]
    assert len(told) >= 40
    assert len({free.character for free, _ in told}) >= 25
    for free, audit in told:
        assert audit.leaked == (), audit.after
        if free.half == "seen":
            assert (free.left(audit.after), free.lost(audit.after), audit.flaws) == ((), (), ()), audit.after
        if not free.gone:
            assert audit.after == free.prompt


@pytest.mark.parametrize(
    ("text", "leaked"),
    [
        ("a girl of Arendelle", ("arendelle",)),
        ("at disneyland with Mickey Mouse", ("Mickey Mouse", "disneyland")),
        ("a Pixar castle", ("pixar",)),
        ("a shelf with Frozen", ("frozen",)),
        ("Toy Story on a frozen lake", ("toy story",)),
        ("a goofy dog at a chain link fence", ()),
        ("a girl and Goofy", ("Goofy",)),
    ],
)
def test_leaks_are_found_without_the_lexicon(registries, text, leaked):
    registry = registries["copycat"]
    assert leaks(text, registry["elsa"], registry) == leaked


@pytest.mark.parametrize("article", ["a", "an"])
def test_articles_are_those_that_a_dictionary_gives(article):
    """Told by hand: the rewriter and the audit share one rule."""
    said = {
        "a": "unicorn uniform union university user usual utensil utopia European ewe one once hat ukulele",
        "an": "uncle umbrella uninteresting hour honest heir x-ray egg ice octopus apple oar urn",
    }[article]
    for word in said.split():
        assert flaws(f"It is {article} {word}") == (), word
        assert flaws(f"It is {'an' if article == 'a' else 'a'} {word}") != (), word
        assert rewrite(f"a Zori, a {word}", CHARACTER) == f"an owl, {article} {word}"


def test_the_page_is_what_the_command_makes(registries, audits):
    assert page(list(registries.values()), audits) == PAGE.read_text(encoding="utf-8"), (
        "run python benchmarks/rewrite_table.py"
    )


@pytest.mark.parametrize(
    ("text", "flaw"),
    [
        ("a a hat", "a word twice"),
        ("a hat,, a cap", "a stray comma"),
        ("an hat", "an hat"),
        ("a owl", "a owl"),
        ("a cap, with.", "nothing after and"),
        ("the an owl", "two articles"),
        ("a cap. he", "no capital"),
        ("a cap.", "no capital"),
    ],
)
def test_flaws(text, flaw):
    assert flaw in flaws(text)
    assert flaws("An owl, a one-eyed cat and a unicorn wait. An hour passes") == ()
