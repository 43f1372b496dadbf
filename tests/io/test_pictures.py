"""The one decoder: what a person sees in a file is what everything here reads, and traps are refused."""

from __future__ import annotations

import ast
import base64
import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from copycat.errors import BadFile
from copycat.io import pictures
from copycat.judges.references import open_reference
from copycat.report.embed import embed
from copycat.runs.importing import open_picture as open_imported
from copycat.stages.asking import open_picture as open_judged

ROOT = Path(__file__).resolve().parents[2]
SIZE = (12, 8)
TURNED = dict(zip(range(1, 9), (None, *(Image.Transpose(t) for t in (0, 3, 1, 5, 4, 6, 2))), strict=True))
"""What a viewer does with a file of each orientation, by the EXIF standard."""


def drawing(mode: str = "RGB") -> Image.Image:
    """Something that looks different from every side."""
    pixels = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    pixels[:, :, 0] = np.arange(SIZE[0]) * 20
    pixels[:, :, 1] = np.arange(SIZE[1])[:, None] * 30
    pixels[:3, :3, 2] = 255
    return Image.fromarray(pixels).convert(mode)


def encoded(picture: Image.Image, form: str = "PNG", **given: Any) -> bytes:
    content = io.BytesIO()
    picture.save(content, form, **given)
    return content.getvalue()


def decoded(content: bytes) -> Image.Image:
    return pictures.decode(content, "it").image


def pixels(picture: Image.Image) -> list[list[list[int]]]:
    return np.asarray(picture).tolist()


def colours(picture: Image.Image) -> set[Any]:
    return {colour for _, colour in picture.getcolors() or ()}


def turned(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes()


def grey16(values: np.ndarray[Any, Any]) -> bytes:
    return encoded(Image.fromarray(values.astype(np.uint16)))


@pytest.mark.parametrize(
    ("form", "given"), [("PNG", {}), ("JPEG", {"quality": 90}), ("WEBP", {"lossless": True})]
)
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_plain_pictures_keep_their_pixels(form: str, given: dict[str, Any], mode: str) -> None:
    content = encoded(drawing(mode), form, **given)
    found = pictures.decode(content, "it")
    assert (found.image.mode, found.format, found.animated) == ("RGB", form, False)
    assert pixels(found.image) == pixels(Image.open(io.BytesIO(content)).convert("RGB"))


def test_palettes_and_other_models_of_colour_are_read() -> None:
    assert pixels(decoded(encoded(drawing("P")))) == pixels(drawing("P").convert("RGB"))
    assert pixels(decoded(encoded(drawing("1")))) == pixels(drawing("1").convert("RGB"))
    red = encoded(Image.new("CMYK", SIZE, (0, 255, 255, 0)), "JPEG", quality=95)
    (r, g, b) = decoded(red).getpixel((4, 4))  # type: ignore[misc]
    assert r > 240
    assert max(g, b) < 15


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_upright(form: str, orientation: int) -> None:
    given = {"lossless": True} if form == "WEBP" else {}
    flat = decoded(encoded(drawing(), form, **given))
    turn = TURNED[orientation]
    wanted = flat if turn is None else flat.transpose(turn)
    content = encoded(drawing(), form, exif=turned(orientation), **given)
    found = decoded(content)
    assert found.size == wanted.size
    assert pixels(found) == pixels(wanted)


def test_the_orientations_of_the_standard() -> None:
    """Where the first row and the first column of the file lie on the screen, as the EXIF standard says."""
    corner = {1: "left top", 2: "right top", 3: "right bottom", 4: "left bottom",
              5: "left top", 6: "right top", 7: "right bottom", 8: "left bottom"}  # fmt: skip
    for orientation, where in corner.items():
        blue = pixels(decoded(encoded(drawing(), exif=turned(orientation))))
        x, y = where.split()
        assert blue[0 if y == "top" else -1][0 if x == "left" else -1][2] == 255, orientation


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("exif", [b"Exif\0\0nonsense", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0"])
def test_broken_exif_data_turns_nothing(exif: bytes) -> None:
    assert pixels(decoded(encoded(drawing(), exif=exif))) == pixels(drawing())


def test_sixteen_bits_become_eight() -> None:
    values = np.array([[0, 255, 256, 32768], [65280, 65535, 257 * 100, 1]])
    found = np.asarray(decoded(grey16(values)))
    assert found[:, :, 0].tolist() == [[0, 0, 1, 128], [255, 255, 100, 0]]
    assert (found[:, :, 0] == found[:, :, 2]).all()


def test_grey_and_colour_of_sixteen_bits_are_the_same() -> None:
    """The same picture, as PNG of 16-bit grey and of 16-bit colour."""
    values = np.linspace(0, 65535, 96).astype(np.uint16).reshape(8, 12)
    colour = np.repeat(values[:, :, None], 3, axis=2)
    assert pixels(decoded(png16(colour, 2))) == pixels(decoded(png16(values[:, :, None], 0)))


def png16(values: np.ndarray[Any, Any], kind: int, extra: bytes = b"") -> bytes:
    """A PNG of 16 bits a channel; `kind` is its colour type."""
    height, width = values.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    head = struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0)
    chunks = chunk(b"IHDR", head) + extra + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def test_transparent_parts_show_white() -> None:
    clear = drawing("RGBA")
    clear.putalpha(0)
    assert colours(decoded(encoded(clear))) == {(255, 255, 255)}
    assert colours(decoded(encoded(clear, "WEBP", lossless=True, exact=True))) == {(255, 255, 255)}
    half = Image.new("RGBA", SIZE, (0, 0, 0, 51))
    assert colours(decoded(encoded(half))) == {(204, 204, 204)}
    opaque = drawing("RGBA")
    assert pixels(decoded(encoded(opaque))) == pixels(drawing())
    grey = Image.new("LA", SIZE, (0, 0))
    assert colours(decoded(encoded(grey))) == {(255, 255, 255)}


def test_colours_that_stand_for_nothing_show_white() -> None:
    black = Image.new("RGB", SIZE)
    assert colours(decoded(encoded(black, transparency=(0, 0, 0)))) == {(255, 255, 255)}
    palette = Image.new("P", SIZE, 1)
    palette.putpalette([255, 0, 0, 0, 255, 0])
    assert colours(decoded(encoded(palette, transparency=1))) == {(255, 255, 255)}
    assert colours(decoded(encoded(palette, transparency=b"\xff\xff"))) == {(0, 255, 0)}
    values = np.full((8, 12, 1), 300, np.uint16)
    assert colours(decoded(png16(values, 0, chunk(b"tRNS", struct.pack(">H", 300))))) == {(255,) * 3}
    assert colours(decoded(png16(values, 0, chunk(b"tRNS", struct.pack(">H", 301))))) == {(1,) * 3}


def test_nothing_but_pixels_is_kept() -> None:
    words = PngImagePlugin.PngInfo()
    words.add_text("parameters", "the secret prompt")
    content = encoded(drawing(), pnginfo=words, icc_profile=b"secret profile", dpi=(300, 300))
    assert b"secret" in content
    again = encoded(decoded(content))
    assert again == encoded(drawing())


def moving(form: str, **given: Any) -> bytes:
    frames = [Image.new("RGB", SIZE, c) for c in ("red", "green", "blue")]
    given = {"lossless": True, **given} if form == "WEBP" else given
    return encoded(frames[0], form, save_all=True, append_images=frames[1:], duration=50, **given)


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_of_an_animation_the_first_frame_counts(form: str) -> None:
    found = pictures.decode(moving(form), "it")
    assert found.animated
    assert found.image.getpixel((0, 0)) == (255, 0, 0)


def test_the_picture_for_viewers_without_animation_is_not_a_frame() -> None:
    found = pictures.decode(moving("PNG", default_image=True), "it")
    assert found.image.getpixel((0, 0)) == (0, 128, 0), "red is what no browser shows"


def test_a_jpeg_with_pictures_behind_its_end_is_a_jpeg() -> None:
    content = encoded(drawing(), "MPO", save_all=True, append_images=[drawing()])
    found = pictures.decode(content, "it")
    assert (found.format, found.animated, found.image.size) == ("JPEG", False, SIZE)


GOOD = encoded(drawing())


def header(width: int, height: int, depth: int = 8, kind: int = 2) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    rest = chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + rest


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        (encoded(drawing("P"), "GIF"), "it is GIF; convert it to PNG, JPEG or WebP"),
        (encoded(drawing(), "BMP"), "it is BMP; convert"),
        (encoded(drawing(), "TIFF"), "it is TIFF; convert"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\nshowpage\n", "it is PostScript; convert"),
        (b"\0\0\0\x20ftypavif\0\0\0\0", "it is AVIF; convert"),
        (b"\0\0\0\x20ftypheic\0\0\0\0", "it is HEIC; convert"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "it is SVG; convert"),
        (encoded(drawing(), "PPM"), "it is not a picture that opens"),
        (b"", "it is not a picture that opens"),
        (b"no picture", "it is not a picture that opens"),
        (GOOD[:-20], "it is not a picture that opens"),
        (encoded(drawing(), "JPEG")[:-300], "it is not a picture that opens"),
        (encoded(drawing(), "WEBP")[:-30], "it is not a picture that opens"),
        (header(50_000, 50_000), "it is too large"),
        (header(2**31 - 1, 2**31 - 1), "it is too large"),
        (header(9_000, 9_000), "it is too large: 9000 × 9000 pixels, and at most 67,108,864 are taken"),
        (header(0, 5), "it is not a picture that opens"),
        (header(5, 5, depth=7), "it is not a picture that opens"),
        (header(5, 5, kind=9), "it is not a picture that opens"),
        (header(800, 800), "it is not a picture that opens"),
    ],
)  # fmt: skip
def test_what_is_no_picture_is_refused_in_a_sentence(content: bytes, hint: str, tmp_path: Path) -> None:
    with pytest.raises(BadFile) as told:
        pictures.decode(content, "it")
    assert str(told.value).startswith(hint)
    (tmp_path / "x.png").write_bytes(content)
    with pytest.raises(BadFile, match=r"x\.png (is|cannot)"):
        pictures.read(tmp_path / "x.png")
    assert embed(tmp_path / "x.png") is None


def test_a_postscript_file_never_reaches_its_decoder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from PIL import EpsImagePlugin

    def ghostscript(*_: object, **__: object) -> None:
        raise AssertionError("Ghostscript was started")

    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", ghostscript)
    eps = encoded(drawing(), "EPS")
    (tmp_path / "x.png").write_bytes(eps)
    for open_ in (lambda: pictures.decode(eps, "it"), lambda: pictures.look(tmp_path / "x.png")):
        with pytest.raises(BadFile, match="is PostScript"):
            open_()
    with Image.open(io.BytesIO(eps)) as opened, pytest.raises(BadFile, match="is EPS"):
        pictures.convert(opened, "what a library opened")


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_every_cut_and_every_changed_byte_gives_a_picture_or_a_sentence() -> None:
    """Each file of a few hundred bytes, cut anywhere and with any one byte of its beginning changed."""
    files = [
        GOOD,
        encoded(drawing(), "JPEG", exif=turned(6)),
        encoded(drawing("RGBA"), "WEBP"),
        moving("PNG"),
    ]
    refused = tried = 0
    for content in files:
        for i in range(min(len(content), 200)):
            for broken in (content[:i], content[:i] + bytes([content[i] ^ 0xFF]) + content[i + 1 :]):
                tried += 1
                try:
                    assert decoded(broken).mode == "RGB"
                except BadFile:
                    refused += 1
    assert 0 < refused < tried


def test_a_large_file_is_not_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(pictures, "MOST_BYTES", len(GOOD) - 1)
    (tmp_path / "x.png").write_bytes(GOOD)
    with pytest.raises(BadFile, match="too large: a picture's file has at most"):
        pictures.read(tmp_path / "x.png")
    with pytest.raises(BadFile, match="too large"):
        pictures.decode(GOOD, "it")


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"gone\.png cannot be read \(No such file"):
        pictures.read(tmp_path / "gone.png")
    with pytest.raises(BadFile, match=r"gone\.png cannot be read \(No such file"):
        pictures.look(tmp_path / "gone.png")
    with pytest.raises(BadFile, match=r"The reference picture .*gone\.png cannot be read \(No such file"):
        open_reference(tmp_path / "gone.png")


@pytest.mark.parametrize(
    ("content", "size", "plain"),
    [
        (GOOD, SIZE, True),
        (encoded(drawing(), "JPEG"), SIZE, True),
        (encoded(drawing(), "JPEG", exif=turned(6)), SIZE[::-1], False),
        (encoded(drawing(), "JPEG", exif=turned(3)), SIZE, False),
        (encoded(drawing("RGBA")), SIZE, False),
        (moving("WEBP"), SIZE, False),
        (grey16(np.ones((8, 12))), SIZE, False),
    ],
)
def test_a_header_tells_size_and_kind(
    content: bytes, size: tuple[int, int], plain: bool, tmp_path: Path
) -> None:
    (tmp_path / "x").write_bytes(content)
    found = pictures.look(tmp_path / "x")
    assert ((found.width, found.height), found.plain) == (size, plain)


def _imported(path: Path) -> tuple[int, int]:
    found = open_imported(path, "it")
    return found.width, found.height


def _judged(path: Path) -> Image.Image:
    import hashlib

    return open_judged(path.parent, path.name, hashlib.sha256(path.read_bytes()).hexdigest())


def _embedded(path: Path) -> Image.Image:
    shown = embed(path)
    assert shown is not None
    return Image.open(io.BytesIO(base64.b64decode(shown.small.partition(",")[2])))


@pytest.mark.parametrize("reader", [_judged, _embedded, open_reference])
@pytest.mark.parametrize("kind", ["turned", "clear", "deep"])
def test_every_reader_sees_the_same(reader: Callable[[Path], Image.Image], kind: str, tmp_path: Path) -> None:
    clear = drawing("RGBA")
    clear.putalpha(0)
    content = {
        "turned": encoded(drawing(), exif=turned(6)),
        "clear": encoded(clear),
        "deep": grey16(np.arange(96).reshape(8, 12) * 600),
    }[kind]
    path = tmp_path / "x.png"
    path.write_bytes(content)
    assert pixels(reader(path)) == pixels(decoded(content))
    assert _imported(path) == decoded(content).size


def test_no_other_module_opens_pictures() -> None:
    """Pillow's `open` stands in one module; whoever needs a picture asks that."""
    found = []
    for path in [*(ROOT / "copycat").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")]:
        if path == ROOT / "copycat" / "io" / "pictures.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = isinstance(node, ast.Attribute) and node.attr == "open"
            if called and ast.unparse(node.value).rpartition(".")[2] in ("Image", "PIL"):  # type: ignore[attr-defined]
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("PIL"):
                found += [f"{path.relative_to(ROOT)}:{node.lineno}"] * any(
                    a.name == "open" or a.asname for a in node.names
                )
    assert found == []
