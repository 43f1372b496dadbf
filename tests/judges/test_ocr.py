"""The judge that reads what is written, with a program that only notes what it is shown."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest
from PIL import Image

from copycat.cards.judges import load_judge_card
from copycat.judges.ocr import NameReader
from copycat.records import Named, Unscored
from tests.helpers.questions import question


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The sizes of the pictures that the program was given."""
    sizes: list[tuple[int, int]] = []

    def read(image: Image.Image) -> str:
        sizes.append(image.size)
        if image.getpixel((0, 0)) == (0, 0, 0):
            raise RuntimeError("nothing to read")
        return "  Zori \n\n the owl"

    program = SimpleNamespace(get_tesseract_version=lambda: "5", image_to_string=read)
    monkeypatch.setitem(sys.modules, "pytesseract", program)
    return sizes


@pytest.mark.parametrize(
    ("size", "enlarged"),
    [
        ((512, 256), (1024, 512)),
        ((300, 500), (600, 1000)),
        ((1024, 40), (1024, 40)),
        ((3000, 10), (3000, 10)),
    ],
)
def test_small_pictures_are_enlarged_by_whole_numbers(shown, size, enlarged) -> None:
    judge = NameReader(load_judge_card("ocr-names"), "cpu")
    (said,) = judge.ask([question("identify")], [Image.new("RGB", size, "white")])
    assert shown == [enlarged]
    assert said.answer == Named(names=("Zori", "the owl"))
    assert said.reply == "Zori / the owl"


def test_what_it_cannot_answer_is_unscored(shown) -> None:
    judge = NameReader(load_judge_card("ocr-names"), "cpu")
    white, black = Image.new("RGB", (8, 8), "white"), Image.new("RGB", (8, 8))
    asked = [question("verify"), question("identify"), question("identify")]
    answers = [v.answer for v in judge.ask(asked, [white, black, white])]
    assert answers[0] == Unscored(reason="it only reads what is written")
    assert answers[1] == Unscored(reason="RuntimeError: nothing to read")
    assert isinstance(answers[2], Named), "a failure is one picture's"
    assert len(shown) == 2, "other questions are not put to the program"
