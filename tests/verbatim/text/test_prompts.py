"""Where prompts begin, and what they say."""

from __future__ import annotations

import pytest

from copycat.errors import UserError
from copycat.verbatim.text.corpora import load_corpus
from copycat.verbatim.text.documents import Document
from copycat.verbatim.text.openings import NEEDED, line_openings, word_openings
from copycat.verbatim.text.prompts import CATALOG, load_prompting
from copycat.verbatim.text.prompts.digits import decode, encode

TEXT = Document(title="T", text=" ".join(f"word{i}." for i in range(200)))
CODE = Document(
    title="c.py",
    kind="code",
    text="import x\n\nSMALL = 1\n\ndef long():\n" + "    a = b + c\n" * 25 + "\ndef short():\n    return 1\n",
)


def test_openings_are_the_beginning_and_sentences_further_on() -> None:
    found = word_openings(TEXT, 10, 4)
    assert [o.begin for o in found] == [0, 35, 70, 105]
    assert found[1].shown == " ".join(f"word{i}." for i in range(35, 45))
    assert all(len(TEXT.tokens) - o.end >= NEEDED for o in found)
    # No more than fits: what follows must be long enough to reach the rung.
    assert word_openings(TEXT, len(TEXT.tokens) - NEEDED + 1, 1) == []
    assert len(word_openings(TEXT, len(TEXT.tokens) - NEEDED, 3)) == 1


def test_code_is_prompted_with_the_first_lines_of_long_functions() -> None:
    (found,) = line_openings(CODE, 2, 3)
    assert found.shown == "def long():\n    a = b + c"
    (whole,) = line_openings(CODE.model_copy(update={"text": "x = 1\n" * 30}), 1, 3)
    assert (whole.begin, whole.shown) == (0, "x = 1")
    assert load_prompting("lines").openings(TEXT, 1, 1) == []


def test_a_function_behind_a_comment_is_the_beginning_of_a_block() -> None:
    body = "{\n" + "\ta = b + c;\n" * 25 + "}\n"
    first = f"/*\n * What it does.\n */\nint first(void)\n{body}"
    text = f"#include <a.h>\n\n{first}// Another.\nint second(void)\n{body}"
    code = CODE.model_copy(update={"text": text})
    shown = [o.shown for o in line_openings(code, 1, 5)]
    assert shown == ["int first(void)", "int second(void)"]


@pytest.mark.parametrize("name", CATALOG.names())
def test_every_kind_of_prompt_shows_what_it_is_about(name: str) -> None:
    kind = load_prompting(name, lambda text, language: f"<{language}>{text}")
    document = CODE if kind.unit == "lines" else load_corpus("austen").documents[0]
    (opening,) = kind.openings(document, 5, 1)
    prompt = kind.prompt(opening)
    assert kind.fold(opening.shown) in kind.fold(prompt)
    assert kind.fold(kind.restored(opening.shown)).endswith(kind.fold(opening.shown))
    assert kind.name == name
    # An instruction says what is to be done, and the rest shows the text alone.
    assert kind.instructs == ("Go on" in prompt)


def test_digits_stand_for_letters_and_back() -> None:
    assert encode("The Stoat ate it.") == "7h3 57047 473 17."
    assert decode(encode("the stoat ate it.")) == "the stoat ate it."
    kind = load_prompting("digits")
    assert kind.fold("7h3 5704t") == kind.fold("The Stoat") == "the stoat"


def test_a_translation_goes_there_and_back_and_needs_somebody_who_translates() -> None:
    said = []

    def translate(text: str, language: str) -> str:
        said.append((text, language))
        return f"[{language}] {text}"

    kind = load_prompting("translation", translate)
    (opening,) = kind.openings(TEXT, 5, 1)
    assert kind.prompt(opening).endswith(f"[French] {opening.shown}")
    assert kind.restored("le mot") == "[English] le mot"
    assert said == [(opening.shown, "French"), ("le mot", "English")]
    with pytest.raises(UserError, match="--translator"):
        load_prompting("translation")
