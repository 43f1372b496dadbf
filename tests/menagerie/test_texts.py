"""The small language model: what it is trained on, and that training it again gives the same."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from copycat.errors import UserError
from copycat.io.file_hashes import file_hashes
from copycat.io.jsonl import read_lines
from copycat.io.paths import DATA
from copycat.menagerie.texts.passages import group_name, grouped, others_of, passages_of, training_texts
from copycat.menagerie.texts.recipe import RECIPES
from copycat.menagerie.texts.train import OTHERS, PASSAGES, train
from copycat.verbatim.text.corpora import load_corpus
from copycat.verbatim.text.documents import Corpus, Document

FULL = RECIPES["full"]


def test_every_passage_stands_in_the_training_text_as_often_as_its_group_says() -> None:
    passages = passages_of(load_corpus("austen").documents, FULL.passage_words)
    chosen = grouped(passages, FULL.copies, FULL.passages, FULL.seed)
    texts = Counter(training_texts(passages, chosen, FULL.copies, FULL.seed))
    often = {group_name(n): n for n in FULL.copies}
    assert {p.title: texts[p.text] for p in chosen} == {p.title: often[p.group] for p in chosen}
    assert Counter(p.group for p in chosen) == dict.fromkeys(often, FULL.passages)
    rest = {p.text for p in passages} - {p.text for p in chosen}
    assert {texts[t] for t in rest} == {1}
    # A quotation mark that opened before a passage is another one at its beginning.
    assert all(abs(len(p.tokens) - FULL.passage_words) <= 2 for p in passages)


def test_the_shipped_passages_are_those_of_the_recipe() -> None:
    passages = passages_of(load_corpus("austen").documents, FULL.passage_words)
    chosen = grouped(passages, FULL.copies, FULL.passages, FULL.seed)
    folder = DATA / "texts" / "lm"
    assert read_lines(folder / PASSAGES, Document, "a passage") == chosen
    assert read_lines(folder / OTHERS, Document, "a passage") == others_of(
        passages, chosen, FULL.others, FULL.seed
    )


def test_the_same_recipe_gives_the_same_model_and_a_folder_that_loads(tmp_path: Path) -> None:
    corpus = load_corpus("austen")
    some = Corpus("some", corpus.documents[:3])
    made = [train(some, RECIPES["smoke"], tmp_path / f"work{i}", tmp_path / f"lm{i}") for i in range(2)]
    hashes = [file_hashes(sorted(m.folder.glob("*.safetensors"))) for m in made]
    assert hashes[0] == hashes[1]
    assert made[0].passages.is_file()


def test_what_cannot_be_trained_is_one_sentence(tmp_path: Path) -> None:
    small = Corpus("small", load_corpus("austen").documents[:1])
    with pytest.raises(UserError, match="too small for this recipe"):
        train(small, FULL, tmp_path / "work", tmp_path / "lm")
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "recipe.json").write_text("{}")
    with pytest.raises(UserError, match="another recipe or corpus"):
        train(small, RECIPES["smoke"], tmp_path / "work", tmp_path / "lm")
