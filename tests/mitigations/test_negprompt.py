"""The negative prompts of He et al. 2024, Table 1."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from copycat.errors import UserError
from copycat.mitigations import ALIASES, RunContext, parse
from copycat.mitigations.aliases import canonical
from copycat.paper.catalog import CATALOG as TABLES
from copycat.records import request_id
from copycat.subjects.characters import Character, Registry, load_registry
from copycat.subjects.keywords import CATALOG as KEYWORDS
from copycat.subjects.keywords import KeywordList
from tests.contracts.test_mitigations import CHARACTER, REQUEST

WORDS = {
    "registry": "tiny", "version": 1, "source": "a list",
    "keywords": {"zori": ["night", "feathers", "wise", "tree", "moon", "wings"]},
    "rankings": {
        "emb": {"source": "an encoder", "keywords": {"zori": ["beak", "Tree", "hoot"]}},
        "cooc": {"source": "captions", "keywords": {"zori": ["tree", "hoot", "barn"]}},
    },
}  # fmt: skip


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunContext:
    """The tiny registry, whose words lie in the user's own folder."""
    monkeypatch.setenv("COPYCAT_HOME", str(tmp_path))
    KEYWORDS.own("tiny").parent.mkdir()
    KEYWORDS.own("tiny").write_text(yaml.safe_dump(WORDS))
    return RunContext(Registry("tiny", 1, [CHARACTER]), "menagerie", lambda name: f"{name}@0")


@pytest.mark.parametrize(
    ("spec", "negative"),
    [
        ("negprompt", "Zori"),
        ("negprompt-cc", "Copyrighted character"),
        ("negprompt-cc-lm", "Copyrighted character, night, feathers, wise, tree, moon"),
        ("negprompt-cc-emb", "Copyrighted character, beak, Tree, hoot"),
        ("negprompt-cc-cooc", "Copyrighted character, tree, hoot, barn"),
        ("negprompt-cc-emb-cooc", "Copyrighted character, beak, Tree, hoot, barn"),
        ("negprompt-lm", "Zori, night, feathers, wise, tree, moon"),
        ("negprompt-emb", "Zori, beak, Tree, hoot"),
        ("negprompt-cooc", "Zori, tree, hoot, barn"),
        ("negprompt-emb-cooc", "Zori, beak, Tree, hoot, barn"),
        ("negprompt-emb-cooc-noname", "beak, Tree, hoot, barn"),
        ("negprompt-cooc[k=1]", "Zori, tree"),
        ("negprompt[keywords=1]", "Zori, videogame"),
    ],
)
def test_each_row_of_the_table(context: RunContext, spec: str, negative: str) -> None:
    edited = parse(spec).bind(context).apply(REQUEST, CHARACTER)
    assert edited.negative == negative
    (step,) = edited.provenance
    assert step.name == "negprompt"
    assert ("of cooc (captions)" in step.note) == ("cooc" in spec)


def test_older_runs_keep_their_identity(context: RunContext) -> None:
    plain = parse("negprompt").bind(context).apply(REQUEST, CHARACTER)
    assert plain.provenance[0].config == {"keywords": 0}
    assert request_id(plain) == "2cc40bc1d4ceaf18"
    three = parse("negprompt[keywords=3]").bind(context).apply(REQUEST, CHARACTER)
    assert request_id(three) == "7123e17325d80104"


def test_the_published_tables_name_negatives_that_there_are() -> None:
    specs = {n for line in TABLES.get("table1").rows for n in line.names}
    assert len(specs) >= 11
    registry = load_registry("menagerie")
    here = RunContext(registry, "menagerie", lambda name: name)
    for spec in specs - {"none"}:
        bound = parse(spec).bind(here)
        assert all(bound.apply(REQUEST, c).negative for c in registry.characters)
    known = {canonical(a) for a in ALIASES} | {"negprompt", "none"}
    assert {canonical(s) for s in specs} <= known | {"negprompt[keywords=5]"}


def test_a_ranking_that_is_not_there_says_which_command_makes_it(context: RunContext) -> None:
    KEYWORDS.own("tiny").unlink()
    with pytest.raises(UserError, match="copycat mine negatives CORPUS --registry tiny"):
        parse("negprompt-cooc").bind(context)
    # Without a written list the registry's own keywords are one.
    assert parse("negprompt-lm").bind(context).apply(REQUEST, CHARACTER).negative == "Zori, videogame, crown"
    bare = Character(slug="x", name="X", owner="o", key="owl", generic="an owl")
    with pytest.raises(UserError, match="has no keywords"):
        parse("negprompt-lm").bind(RunContext(Registry("tiny", 1, [bare]), "", str))


def test_a_character_without_words_is_told(context: RunContext) -> None:
    bare = CHARACTER.model_copy(update={"slug": "kamo", "name": "Kamo"})
    edited = parse("negprompt-cooc").bind(context).apply(REQUEST, bare)
    assert edited.negative == "Kamo"
    assert "0 of cooc" in edited.provenance[0].note


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("negprompt[of=nothing]", "needs words"),
        ("negprompt[keywords=2,words=lm]", "not both"),
        ("negprompt[words=laion]", "words"),
        ("negprompt-ccc", "negprompt-cc"),
    ],
)
def test_what_makes_no_sense_is_said(spec: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        parse(spec)


def test_the_shipped_lists_are_of_their_registries() -> None:
    from copycat.subjects.keywords import FOLDER, load_list

    files = sorted(FOLDER.glob("*.yaml"))
    assert len(files) >= 3
    for path in files:
        listed: KeywordList = load_list(path)
        registry = load_registry(path.stem)
        assert listed.registry == registry.name
        slugs = {c.slug for c in registry.characters}
        for words in (listed.keywords, *(r.keywords for r in listed.rankings.values())):
            assert words.keys() <= slugs
            for slug, said in words.items():
                assert not any(slug in registry.mentioned(w) for w in said)
