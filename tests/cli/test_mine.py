"""`copycat mine` on the menagerie's own corpus, and what bad input gets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from copycat.cli.main import app
from copycat.errors import BadFile, UserError
from copycat.io.paths import DATA, PROMPTS
from copycat.subjects.characters import load_registry
from copycat.subjects.franchises import owner_words
from copycat.subjects.keywords import CATALOG as KEYWORDS
from copycat.subjects.keywords import load_list
from copycat.subjects.prompts import check, load_prompts


def mine(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["mine", *arguments])
    if done.exception:
        raise done.exception
    return done.output


@pytest.fixture(scope="module")
def mined(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("mined")
    told = mine("cooccurrence", str(DATA / "menagerie" / "corpus.parquet"), "--out", str(out))
    assert "50 of 50 characters" in told
    return out


def test_the_corpus_gives_back_what_the_characters_are(mined: Path) -> None:
    registry = load_registry("menagerie")
    sets = {n: load_prompts(str(mined / f"cooc{n}.jsonl"), "menagerie") for n in (3, 5, 10, 20)}
    for n, prompts in sets.items():
        assert len(prompts) == 50
        assert check(prompts, registry) == []
        assert max(len(p.text.split(", ")) for p in prompts) == n
    # The species is among the five commonest words of nearly every character.
    found = [registry[p.character].key in p.text.split(", ") for p in sets[5]]
    assert sum(found) >= 45


def test_a_ranking_can_be_reordered_by_the_text_encoder(mined: Path, tmp_path: Path) -> None:
    told = mine("embedding", str(mined / "rankings" / "cooc.jsonl"), "--out", str(tmp_path), "--sizes", "5")
    assert "50 of 50 characters" in told
    before = [json.loads(x) for x in (mined / "rankings" / "cooc.jsonl").read_text().splitlines()]
    after = [json.loads(x) for x in (tmp_path / "rankings" / "emb.jsonl").read_text().splitlines()]
    slug = before[0]["character"]
    words = [{r["term"] for r in rows if r["character"] == slug} for rows in (before, after)]
    assert words[0] == words[1]
    scores = [r["score"] for r in after if r["character"] == slug]
    assert scores == sorted(scores, reverse=True)
    assert all(-1 <= s <= 1 for s in scores)


@pytest.mark.parametrize("registry", ["copycat", "unseen"])
def test_the_shipped_sets_are_the_first_words_of_the_shipped_lists(registry: str, tmp_path: Path) -> None:
    mine("list", str(DATA / "keywords" / f"{registry}.yaml"), "--out", str(tmp_path))
    for n in (3, 5, 10, 20):
        shipped = PROMPTS / registry / f"lm{n}.jsonl"
        assert (tmp_path / f"lm{n}.jsonl").read_text() == shipped.read_text()


def test_rankings_of_the_menagerie_for_the_figure(mined: Path, tmp_path: Path) -> None:
    """As `make fig3` mines them: five rankings, generic words only, ten words fit the encoder."""
    out = ("--out", str(tmp_path), "--sizes", "1,10")
    told = mine("common", str(DATA / "menagerie" / "corpus.parquet"), *out, "--fit", "menagerie")
    told += mine("embedding", str(tmp_path / "rankings" / "common.jsonl"), *out)
    rankings = (str(mined / "rankings" / "cooc.jsonl"), str(tmp_path / "rankings" / "emb.jsonl"))
    told += mine("fuse", *rankings, *out, "--fit", "menagerie")
    told += mine("list", "--registry", "menagerie", "--set", "list", *out, "--fit", "menagerie")
    assert "cut off" not in told
    registry = load_registry("menagerie")
    for name in ("common", "emb", "fused", "list"):
        prompts = load_prompts(str(tmp_path / f"{name}10.jsonl"), "menagerie")
        assert {p.character for p in prompts} == {c.slug for c in registry.characters}
        assert check(prompts, registry) == []
        words = {w for p in prompts for w in p.text.split(", ")}
        assert not words & owner_words(registry)
        if name != "list":
            assert {p.text.count(",") for p in prompts} == {9}
    # EmbSim must not know which words stand beside the name: every character has the same candidates.
    rows = [json.loads(x) for x in (tmp_path / "rankings" / "common.jsonl").read_text().splitlines()]
    first, second = ({r["term"] for r in rows if r["character"] == c.slug} for c in registry.characters[:2])
    assert first == second


def test_rankings_for_negative_prompts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COPYCAT_HOME", str(tmp_path))
    told = mine("negatives", "--keep", "8")
    listed = load_list(KEYWORDS.own("menagerie"))
    assert str(KEYWORDS.own("menagerie")) in told
    registry = load_registry("menagerie")
    for name in ("emb", "cooc"):
        words = listed.rankings[name].keywords  # type: ignore[index]
        assert len(words) == 50
        assert max(map(len, words.values())) == 8
        assert not any(registry.mentioned(w) for said in words.values() for w in said)
    # The captions know what a character is; the encoder's order is another.
    cooc = listed.rankings["cooc"].keywords
    assert sum(c.key in cooc[c.slug] for c in registry.characters) >= 45
    assert cooc != listed.rankings["emb"].keywords
    # One is made anew, the other stays.
    few = tmp_path / "few.txt"
    few.write_text("Hupgroqui the teapot\n" * 3)
    mine("negatives", str(few))
    again = load_list(KEYWORDS.own("menagerie"))
    assert again.rankings["cooc"].keywords == {"hupgroqui": ("teapot",)}
    # The words of a language model are the candidates where there are any, and no captions are needed.
    own = mine("negatives", "--registry", "copycat", "--out", str(tmp_path / "copycat.yaml"))
    assert "No corpus" in own
    emb = load_list(tmp_path / "copycat.yaml").rankings
    assert set(emb) == {"emb"}
    written = load_list(DATA / "keywords" / "copycat.yaml").keywords
    assert set(emb["emb"].keywords["mario"]) <= set(written["mario"])
    before = (DATA / "keywords" / "copycat.yaml").read_bytes()
    with pytest.raises(UserError, match="written down"):
        mine("negatives", "--registry", "copycat", "--out", str(DATA / "keywords" / "copycat.yaml"))
    assert (DATA / "keywords" / "copycat.yaml").read_bytes() == before


def test_mistakes_write_nothing(tmp_path: Path) -> None:
    out = tmp_path / "out"
    (tmp_path / "strange.yaml").write_text("keywords: [1]")
    (tmp_path / "strange.jsonl").write_text("{}\n")
    (tmp_path / "nobody.txt").write_text("a red ball\n")
    for arguments, error, message in (
        (("cooccurrence", str(tmp_path / "none.txt")), BadFile, "does not exist"),
        (("cooccurrence", str(tmp_path / "nobody.txt")), UserError, "No character"),
        (("cooccurrence", str(tmp_path / "nobody.txt"), "--registry", "menagrie"), UserError, "Did you mean"),
        (("list", str(tmp_path / "strange.yaml")), BadFile, "not a keyword list"),
        (("embedding", str(tmp_path / "strange.jsonl")), BadFile, "line 1"),
        (("fuse", str(tmp_path / "strange.jsonl")), UserError, "two rankings"),
        (("fuse", *(str(tmp_path / "strange.jsonl"),) * 2), BadFile, "line 1"),
        (("list",), UserError, "Name a keyword list"),
        (("list", "--registry", "copycat", "--fit", "gpt-image-1"), UserError, "hosted"),
    ):
        with pytest.raises(error, match=message):
            mine(*arguments, "--out", str(out))
    assert not out.exists()
