"""The suite's CSVs with all the faults they have, in words of our own: mended, or left out, and named."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from copycat.cli.main import app
from copycat.errors import BadFile, UnknownName, UserError
from copycat.mitigations import RunContext, parse
from copycat.paper.published import Place
from copycat.paper.usable import Usable
from copycat.subjects.characters import Character, Registry, load_registry
from copycat.subjects.keywords import CATALOG as KEYWORDS
from copycat.subjects.keywords import ranking
from copycat.subjects.prompts import load_prompts
from copycat.subjects.upstream import import_checkout
from copycat.subjects.upstream.table import mend, terms, unquoted

FILES = {
    "targets.csv": ",target,prompt\n0,Zori,Zori\n1,Plitu-the-Owl ,Plitu-the-Owl \n2,Link,Link\n3,Yoda,Yoda\n",
    # Another order, and a long name in two words.
    "targets_60words.csv": (
        'target,prompt\nLink,"A boy in a green cap.\n"\nZori,"An owl with a ""Z"" on it."\n'
        "Plitu-the-Owl ,A stout owl.\n"
    ),
    # No row for Link, but one about somebody else in its place; quotes around whole texts.
    "targets_dalle_prompt.csv": (
        'target,prompt\nYo Da,"""Draw a small wise being."""\nSteve,"\'Draw a cook.\'"\n'
        "Zori,\"'Draw the owl's cousin.'\"\n"
    ),
    "targets_60words_dallerewrite.csv": (
        "target,prompt,original_prompt\n"
        'Zori,"""Draw an owl."""," An owl with a ""Z"" on it. "\n'
        "Link,Draw a stout bird.,A stout owl.\n"
    ),
    "keywords_lm/n=3_related_greedy.csv": (
        ',target,keyword\n0,Zori,"owl, cape, wand."\n1,Link,"cap, sword"\n2,Yoda,"ears, robe, cane"\n'
    ),
    "keywords_embedding/n=3.csv": (
        ',target,prompt\n0,Zori,"owl\n, Owl\n, ""The Owls""\n"\n1,Link,"PokÃ©mon\n, cap\n, hat\n"\n'
    ),
    "keywords_co-occurrence/50keywords_laion2b_top3.csv": (
        ',target,prompt\n0,Zori,"owl, night, cartoon, cartoon"\n1,Link,"cap, sword, map, cartoon"\n'
    ),
    "consistency/key_entitie_n1.csv": ",target,keyword\n0,Zori,Owl\n1,baby yoda,Alien\n",
}


def registry() -> Registry:
    def one(slug: str, name: str, *aliases: str) -> Character:
        return Character(slug=slug, name=name, aliases=aliases, owner="x", key="being", generic="a being")

    return Registry(
        "four",
        1,
        [
            one("zori", "Zori"),
            one("plitu", "Plitu the Owl"),
            one("link", "Link"),
            one("yoda", "Yoda", "Yo Da"),
        ],
    )


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The verb writes words into the user's folder."""
    monkeypatch.setenv("COPYCAT_HOME", str(tmp_path / "home"))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / "CopyCat" / "prompts" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
    return tmp_path / "CopyCat"


def test_rows_are_joined_by_name_and_every_fault_is_named(checkout: Path) -> None:
    found = import_checkout(checkout, registry())
    texts = {name: {p.character: p.text for p in prompts} for name, prompts in found.sets.items()}
    assert texts == {
        "upstream-name": {"zori": "Zori", "plitu": "Plitu-the-Owl", "link": "Link", "yoda": "Yoda"},
        "upstream-description": {
            "zori": 'An owl with a "Z" on it.',
            "plitu": "A stout owl.",
            "link": "A boy in a green cap.",
        },
        "upstream-rewritten-name": {"zori": "Draw the owl's cousin.", "yoda": "Draw a small wise being."},
        # Link's was made of the text of another row.
        "upstream-rewritten-description": {"zori": "Draw an owl."},
        "upstream-lm3": {"zori": "owl, cape, wand", "link": "cap, sword", "yoda": "ears, robe, cane"},
        "upstream-emb3": {"zori": "owl, Owl, The Owls", "link": "Pokémon, cap, hat"},
        # The word is dropped once: Zori's list has it of its own.
        "upstream-laion2b-3": {"zori": "owl, night, cartoon", "link": "cap, sword, map"},
    }
    assert found.keys == {"zori": "owl", "yoda": "alien"}
    repairs = "\n".join(found.repairs)
    for told in (
        "targets.csv: a column of row numbers dropped",
        "targets.csv: blanks around the name 'Plitu-the-Owl ' dropped",
        "targets_60words.csv: line breaks: Link",
        "targets_dalle_prompt.csv: quotes around the text: Zori, Yo Da",
        "targets_dalle_prompt.csv: 'Yo Da' joined to Yoda",
        "keywords_lm/n=3_related_greedy.csv: quotes or full stops at words: Zori",
        "keywords_embedding/n=3.csv: wrong encoding: Link",
        "top3.csv: the extra last word 'cartoon' dropped: all 2 rows",
        "consistency/key_entitie_n1.csv: 'baby yoda' joined to Yoda",
    ):
        assert told in repairs
    first, second = found.skipped
    assert first.startswith(
        "targets_dalle_prompt.csv: row 2, 'Steve', is nobody in four: it stands where Link's"
    )
    assert second == (
        "upstream-rewritten-description: link was made of another text than upstream-description has for it"
    )
    findings = "\n".join(found.findings)
    assert "upstream-lm3: not 3 words for link (2)." in findings
    assert "upstream-rewritten-name: no prompt for Plitu the Owl, Link." in findings


def test_two_rows_about_one_character_are_both_left_out(checkout: Path) -> None:
    path = checkout / "prompts" / "targets_60words.csv"
    path.write_text(path.read_text() + "Yoda,One.\nYO-DA,Another.\nZori,too,many\n")
    found = import_checkout(checkout, registry())
    assert "yoda" not in {p.character for p in found.sets["upstream-description"]}
    assert "targets_60words.csv: rows 4 and 5 are both about Yoda, so none is taken" in found.skipped
    assert "targets_60words.csv: row 6 has 3 cells, not 2" in found.skipped


def test_a_name_that_two_characters_share_is_left_out(checkout: Path) -> None:
    twins = [*registry().characters, Character(slug="z2", name="Zori", owner="x", key="x", generic="x")]
    found = import_checkout(checkout, Registry("five", 1, twins))
    assert "targets.csv: row 1, 'Zori', may be z2 or zori" in found.skipped
    assert all("zori" not in {p.character for p in prompts} for prompts in found.sets.values())


def test_a_word_that_only_some_rows_end_in_stays(checkout: Path) -> None:
    path = checkout / "prompts" / "keywords_co-occurrence" / "50keywords_laion2b_top3.csv"
    path.write_text(path.read_text() + '2,Yoda,"ears, robe, cane"\n')
    found = import_checkout(checkout, registry())
    texts = {p.character: p.text for p in found.sets["upstream-laion2b-3"]}
    assert texts["link"] == "cap, sword, map, cartoon"
    assert "upstream-laion2b-3: not 3 words for zori (4), link (4)." in found.findings


def test_a_windows_file_is_read_and_named(checkout: Path) -> None:
    path = checkout / "prompts" / "targets_60words.csv"
    path.write_bytes("target,prompt\r\nZori,A café owl.\r\n".encode("cp1252"))
    found = import_checkout(checkout, registry())
    assert [p.text for p in found.sets["upstream-description"]] == ["A café owl."]
    assert "targets_60words.csv: not UTF-8, read as Windows-1252" in found.repairs


def test_cells() -> None:
    assert mend("PokÃ©mon") == ("Pokémon", ["wrong encoding"])
    assert mend("Pokémon") == ("Pokémon", [])
    assert unquoted('"a" and "b"') == '"a" and "b"'
    assert unquoted("“'a'”") == "a"
    assert terms(' a ,, "b" \n, c.')[0] == ["a", "b", "c"]


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["import-upstream", *arguments])
    if done.exception:
        raise done.exception
    return done.output


def test_the_verb_writes_sets_and_a_registry_that_load(checkout: Path, tmp_path: Path) -> None:
    out, mine = tmp_path / "out", tmp_path / "four.yaml"
    characters = [c.model_dump(mode="json") for c in registry().characters]
    mine.write_text(yaml.safe_dump({"registry": "four", "version": 1, "characters": characters}))
    told = run(str(checkout), "--registry", str(mine), "--out", str(out), "--join", "Steve=Link")
    assert "'Steve' joined to Link" in told
    assert (out / "import.md").read_text() in told
    rewritten = load_prompts(str(out / "upstream-rewritten-name.jsonl"), "four")
    assert {p.character: p.text for p in rewritten}["link"] == "Draw a cook."
    assert "targets_dalle_prompt.csv (SHA-256 " in rewritten[0].provenance
    read = load_registry(str(out / "upstream.yaml"))
    assert (read["yoda"].key, read["yoda"].aliases, read["link"].key) == ("alien", ("Yo Da",), "being")


def test_its_words_become_negatives_and_its_sets_go_by_name(checkout: Path, tmp_path: Path) -> None:
    folder = checkout / "prompts" / "keywords_lm"
    (folder / "n=5_related_greedy.csv").write_text(',target,keyword\n0,Zori,"beak, owl, night, wing, claw"\n')
    mine = tmp_path / "four.yaml"
    characters = [c.model_dump(mode="json") for c in registry().characters]
    mine.write_text(yaml.safe_dump({"registry": "four", "version": 1, "characters": characters}))
    told = run(str(checkout), "--registry", str(mine))
    assert "negprompt-lm, negprompt-emb, negprompt-cooc now take the checkout's words" in told
    for people in (load_registry(str(mine)), load_registry("upstream")):
        # Five words are the file with five; what comes after is from the other files.
        lm = ranking("lm", people)
        assert lm.keywords["zori"] == ("beak", "owl", "night", "wing", "claw", "cape", "wand")
        assert "princeton-nlp/CopyCat, the lists of 5, 3 words" in lm.source
        assert ranking("emb", people).keywords["link"] == ("Pokémon", "cap", "hat")
        assert ranking("cooc", people).keywords["link"] == ("cap", "sword", "map")
        bound = parse("negprompt-emb-cooc").bind(RunContext(people))
        (part,) = bound.parts
        assert list(part._words(people["link"])) == ["Link", "Pokémon", "cap", "hat", "sword", "map"]
        names = {p.set for p in load_prompts("upstream-rewritten-name", people.name)}
        assert names == {"upstream-rewritten-name"}
    # Everything that Table 1 asks for is there, and so it is once mined rankings come beside it.
    assert Usable(load_registry("upstream"))(Place(prompts="name", mitigation="rewrite+negprompt-emb-cooc"))
    kept = KEYWORDS.own("four").read_text()
    run(str(checkout), "--registry", str(mine), "--out", str(tmp_path / "out"), "--no-keywords")
    assert KEYWORDS.own("four").read_text() == kept
    KEYWORDS.own("four").write_text("registry: four\nversion: 1\nsource: me\nkeywords: {zori: [mine]}\n")
    with pytest.raises(UserError, match="written down"):
        run(str(checkout), "--registry", str(mine), "--out", str(tmp_path / "again"))
    assert not (tmp_path / "again").exists()


def test_mistakes_write_nothing(checkout: Path, tmp_path: Path) -> None:
    out, empty = tmp_path / "out", tmp_path / "empty"
    empty.mkdir()
    for path, more, error, message in (
        (empty, (), BadFile, "no checkout of princeton-nlp/CopyCat"),
        (tmp_path / "nowhere", (), BadFile, "no checkout"),
        (checkout, ("--join", "Steve"), UserError, "NAME=CHARACTER"),
        (checkout, ("--join", "Steve=Lnik"), UnknownName, "Did you mean link"),
        (checkout, ("--registry", "copycta"), UnknownName, "Did you mean copycat"),
    ):
        with pytest.raises(error, match=message):
            run(str(path), "--out", str(out), *more)
    (checkout / "prompts" / "keywords_embedding" / "n=3.csv").write_text("target,words\nZori,owl\n")
    with pytest.raises(BadFile, match="has the columns 'target', 'words', not target, prompt"):
        run(str(checkout), "--out", str(out))
    assert not out.exists()
