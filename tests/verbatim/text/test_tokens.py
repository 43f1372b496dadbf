from __future__ import annotations

from nltk.tokenize.treebank import TreebankWordTokenizer

from copycat.verbatim.text.corpora import load_corpus
from copycat.verbatim.text.documents import Document
from copycat.verbatim.text.tokens import find_places, tokenize, word_tokens

SAID = "He said: \"I don't know, sir; it's ''odd''...\" (1,200 words)"


def test_words_are_those_of_the_treebank() -> None:
    assert word_tokens("They'll say \"can't\".") == ("They", "'ll", "say", "``", "ca", "n't", "''", ".")
    assert list(word_tokens(SAID)) == TreebankWordTokenizer().tokenize(SAID)


def test_every_word_is_found_again_in_the_text() -> None:
    for text in (SAID, *(d.text for d in load_corpus("austen").documents[:3])):
        found = tokenize(text)
        quotes = {'"', "``", "''"}
        for word, (a, b) in zip(found.words, found.spans, strict=True):
            assert found.text[a:b] == word or {word, found.text[a:b]} <= quotes
        left = "".join(text[b:a] for (_, b), (a, _) in zip(found.spans, found.spans[1:], strict=False))
        assert not left.strip()


def test_no_word_is_looked_for_in_the_rest_of_the_book() -> None:
    class Book(str):
        def find(self, *_: object) -> int:
            raise AssertionError("with thousands of quotation marks that takes minutes")

    found = find_places(Book(SAID), word_tokens(SAID))
    assert found == tokenize(SAID).spans


def test_a_part_has_its_places_in_the_whole() -> None:
    found = tokenize("One,  two three").part(1, 3)
    assert (found.words, found.cut(0, 2)) == ((",", "two"), ",  two")


def test_a_copy_with_another_text_has_other_words() -> None:
    first = Document(title="T", text="One two")
    assert first.tokens.words == ("One", "two")
    other = first.model_copy(update={"text": "Three"})
    assert other.tokens.words == ("Three",)
    assert other.id != first.id


def test_a_cut_is_the_text_as_it_stands() -> None:
    found = tokenize("One,  two\nthree.")
    assert found.cut(0, 3) == "One,  two"
    assert found.cut(3, 9) == "three."
    assert found.cut(2, 2) == ""


def test_a_full_stop_within_a_text_stays_with_its_word_as_in_the_paper() -> None:
    # NLTK's improved tokenizer takes it apart, and numbers would not compare.
    assert word_tokens("It is so. It was.") == ("It", "is", "so.", "It", "was", ".")
