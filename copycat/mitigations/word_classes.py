"""Classes of words that tell where the phrase around a name begins."""

from __future__ import annotations

import re


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_ADJECTIVES = _set(
    """
    adult aged amazing ancient angry armed armored armoured baby bad bald bare beautiful big black blond
    blonde blue bold bored brave bright broken bronze brown buff busy calm chubby clever clumsy cold
    colorful colourful cool crazy creepy crying cruel curious cute dark dead drunk dusty elderly evil
    excited fallen famous fast fat fierce fluffy flying friendly frozen full funny furious furry fuzzy
    gaunt gentle giant gigantic gold golden good gray great green grey grim grumpy handsome happy heroic
    hidden huge human hungry icy injured joyful jumping kind lanky large laughing lazy lean little lone
    lonely lost loud lovely low mad magic magical majestic masked massive mean mechanical medieval metal
    mighty mini miniature modern muscular mysterious nasty nervous new nice noble old orange painted
    pale pink plastic playful plump plush poor powerful pretty proud purple quick quiet rad raging real
    realistic red retro rich robotic round royal running rusty sad scared scary screaming serious shaggy
    sharp shiny short shy silly silver sinister sitting skinny sleeping sleepy slim slow small smart
    smiling soft strange strong stuffed stupid surprised sweet tall teen teenage thick thin tiny tired
    tough toy tropical ugly undead upset vintage violet warm weak wet white wicked wild wise wooden
    worried wounded yellow young younger youthful
    """
)
"""Adjectives of figures, and nouns that stand before one as such."""
_ENDING = re.compile(r"[a-z]{2}(?:ful|ous|ish|less|able|ible|esque)$|^[a-z]+-[a-z]+(?:ed|ing)$")
OPPOSITES = tuple(
    (_set(these), _set(those))
    for these, those in (
        ("old elderly aged ancient adult", "young"),
        ("young teenage teen baby", "elderly old"),
        ("big giant gigantic huge large massive tall", "small tiny short"),
        ("small tiny little mini miniature short", "tall giant large towering"),
        ("fat chubby plump muscular buff strong", "slim thin lanky lean"),
        ("thin slim skinny lean", "stout plump chubby fat"),
    )
)
"""Adjectives, and those that they leave no room for."""
ADVERBS = _set("extremely quite rather really so super too very")
FUNCTION = _set(
    """
    a an the and or but nor as at by for from in into inside is are was were be been of off on onto out
    over to with within without under near next while where when who whose whom that which this these
    those above about behind beside besides beyond below between before after against across along among
    around through throughout toward towards upon until during than then because if so not also via
    versus vs meets like unlike has have had do does did can could will would should must may might it
    he she they we you i him them us children people men women kids girls boys everybody everyone
    somebody someone
    """
)
"""Words that never stand between an article and the noun that it belongs to."""
PAST = _set(
    """
    ate beat became bit blew bought brought built came caught chose drew drove fed fell felt found
    fought flew gave grew held hid hit hugged kept kissed knew led left lost made met painted rode sang
    sat saw sent shot slew stole stood struck swam taught threw told took tried wanted watched went woke
    won wore wrote
    """
)
"""Verbs that do not show it by an ending: "a boy saw Zori"."""
TIMES = _set(
    """
    day evening hour minute moment morning night place reason second time way year
    """
)
"""What a clause without "that" tells of: "the day Zori came"."""
TITLES = _set(
    """
    captain character detective doctor emperor figure friend hero heroine king knight lady lord master
    mister prince princess queen sheriff sir superhero villain
    """
)
"""What goes before a name and says what its bearer is."""
_OTHERWISE_TOO = _set(
    "adult baby blond blonde cold gold human kind magic metal orange plush silver teen toy vintage wild"
)
NUMBERS = _set("two three four five six seven eight nine ten eleven twelve several many few")


def is_adjective(word: str) -> bool:
    """Whether `word` is an adjective, as far as a list and an ending can tell."""
    word = word.lower()
    return word in _ADJECTIVES or bool(_ENDING.search(word))


def is_adjective_alone(word: str) -> bool:
    """Whether `word` is an adjective and neither a noun nor a verb: no article can follow it."""
    word = word.lower()
    return is_adjective(word) and word not in _OTHERWISE_TOO and not word.endswith(("ing", "ed"))
