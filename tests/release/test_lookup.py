"""Names and pictures are found, in plain words, and what is not there is said not to be."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from copycat.cli.main import app
from copycat.errors import BadFile, UserError
from copycat.io.pictures import read
from copycat.release.lookup import NEAR, look_up_name, look_up_picture
from copycat.release.shelf import Shelf
from copycat.subjects.characters import load_registry

RUNNER = CliRunner()
PICTURE = Path(load_registry("menagerie")["bexdra"].references[3])


@pytest.fixture(scope="module")
def ours() -> Shelf:
    return Shelf(None)


def test_a_name_is_found_under_all_its_names(ours: Shelf) -> None:
    found = look_up_name("ピカチュウ", ours)
    assert found.people == ("copycat/pikachu",)
    assert found.protected
    assert found.counts["characters"] == 1
    assert "Pikachu dancing" in {h.shown for h in found.hits}
    assert "pictures" not in found.counts


def test_an_invented_character_is_found_in_captions_pictures_and_results(ours: Shelf) -> None:
    found = look_up_name("bexdra", ours)
    assert not found.protected
    assert found.counts["pictures"] == 8
    assert found.counts["captions"] >= 15
    assert set(found.counts) == {"characters", "prompts", "captions", "pictures", "results"}


def test_names_are_whole_words(ours: Shelf) -> None:
    found = look_up_name("Thor", ours)
    # Neither "author", nor the Cyrillic name inside that of Totoro.
    assert {h.name for h in found.hits if h.table == "characters"} == {"characters/copycat/thor"}


def test_what_is_not_there_gets_a_suggestion(ours: Shelf) -> None:
    found = look_up_name("Mickey Maus", ours)
    assert not found.there
    assert found.similar == ("Mickey Mouse",)
    assert look_up_name("Zorgblatt", ours).similar == ()
    with pytest.raises(UserError, match="no letter"):
        look_up_name("?!", ours)


def saved(image: Image.Image, path: Path, **options: object) -> Path:
    image.save(path, **options)  # type: ignore[arg-type]
    return path


def test_a_picture_is_found_as_file_as_pixels_and_by_its_looks(ours: Shelf, tmp_path: Path) -> None:
    same = tmp_path / "same.png"
    same.write_bytes(PICTURE.read_bytes())
    again = saved(read(PICTURE), tmp_path / "again.webp", lossless=True)
    large = saved(read(PICTURE).resize((256, 256)), tmp_path / "large.jpg", quality=70)
    for path, how in (
        (same, "the same file"),
        (again, "the same picture in another file"),
        (large, "looks alike"),
    ):
        found = look_up_picture(path, ours)
        assert found.hits[0].name == "pictures/menagerie/bexdra/03.png"
        assert found.hits[0].how.startswith(how)
    other = saved(Image.linear_gradient("L").convert("RGB"), tmp_path / "other.png")
    assert not look_up_picture(other, ours).there
    assert 0 < NEAR < 16


def test_a_picture_is_turned_as_its_file_says(ours: Shelf, tmp_path: Path) -> None:
    lying = read(PICTURE).transpose(Image.Transpose.ROTATE_90)
    assert not look_up_picture(saved(lying, tmp_path / "lying.png"), ours).there
    exif = Image.Exif()
    exif[0x0112] = 6
    upright = saved(lying, tmp_path / "upright.png", exif=exif)
    assert look_up_picture(upright, ours).hits[0].name == "pictures/menagerie/bexdra/03.png"


def test_any_folder_can_be_looked_through(own: Path, tmp_path: Path) -> None:
    folder = tmp_path / "d"
    (folder / "img").mkdir(parents=True)
    (folder / "img" / "a.png").write_bytes(PICTURE.read_bytes())
    (folder / "img" / "broken.png").write_bytes(b"no picture")
    (folder / "texts.csv").write_text("text\nA letter of Ada Keel.\nNothing.\n")
    (folder / "README.md").write_text("# X\n\n## Removal\n\nWrite to gone@harbour-archive.org and it goes.\n")
    shelf = Shelf(folder)
    found = look_up_name("ada keel", shelf)
    assert found.counts == {"texts.csv": 1}
    assert found.hits[0].name == "row 1"
    assert "gone@harbour-archive.org" in shelf.removal
    assert look_up_picture(PICTURE, shelf).counts == {"img": 1}
    published = Shelf(own)
    assert look_up_name("Hupqui", published).counts["data/characters.parquet"] == 1
    assert look_up_picture(PICTURE, published).counts == {"data/pictures.parquet": 1}
    with pytest.raises(BadFile, match="is no folder"):
        Shelf(tmp_path / "nowhere")


def test_a_name_without_spaces_around_it_is_no_part_of_a_longer_word(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("text\nソースコード\nソーが来た\n", encoding="utf-8")
    found = look_up_name("Thor", Shelf(tmp_path))
    assert [h.name for h in found.hits] == ["row 2"]


def test_a_row_about_something_else_is_no_result_about_a_character(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("mitigation,text\nsandbags,a dyke\n")
    found = look_up_name("Pikachu", Shelf(tmp_path))
    assert not found.there
    # Its own name is no suggestion.
    assert found.similar == ()


def test_names_are_found_deep_in_a_cell(tmp_path: Path) -> None:
    said = [{"role": "user", "content": [{"text": "Draw Pikachu."}]}]
    (tmp_path / "t.jsonl").write_text(json.dumps({"messages": said}) + "\n")
    assert look_up_name("Pikachu", Shelf(tmp_path)).counts == {"t.jsonl": 1}


def test_of_a_long_text_the_place_is_shown(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(f"text\n{'word ' * 500}Pikachu{' word' * 500}\n")
    (hit,) = look_up_name("pikachu", Shelf(tmp_path)).hits
    assert "Pikachu" in hit.shown
    assert len(hit.shown) <= 101


def test_the_verb_answers_in_plain_words(tmp_path: Path) -> None:
    yes = RUNNER.invoke(app, ["lookup", "Pikachu"])
    assert yes.exit_code == 0
    assert yes.stdout.startswith("Yes: “Pikachu” is in copycat's own data set")
    assert "no picture of it in copycat" in yes.stdout
    assert "To have something removed" in yes.stdout
    no = RUNNER.invoke(app, ["lookup", "Zorgblatt"])
    assert no.exit_code == 0
    assert no.stdout.startswith("No: “Zorgblatt” is not in copycat's own data set.")
    told = json.loads(RUNNER.invoke(app, ["lookup", str(PICTURE), "--json"]).stdout)
    assert told["found"] is True
    assert told["counts"] == {"pictures": 1}
    blank = saved(Image.new("RGB", (40, 40)), tmp_path / "blank.png")
    assert "mirrored ones are missed" in RUNNER.invoke(app, ["lookup", str(blank)]).stdout


@pytest.mark.parametrize("what", ["nowhere.png", "nowhere.GIF", "broken.png", ""])
def test_what_is_no_picture_is_told(tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken.png").write_bytes(io.BytesIO(b"x").getvalue())
    done = RUNNER.invoke(app, ["lookup", str(tmp_path / what)])
    assert isinstance(done.exception, BadFile)
