"""The one place where picture files are opened, so that judges, pages and raters see what a person sees.

A picture that comes from elsewhere is turned as its EXIF orientation says, reduced to 8 bits a channel, laid
on white where it is transparent, and limited in size and format before anything is decoded. Colour profiles
are not applied. Of an animation the first frame counts.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import numpy as np

# The plugin is named since Pillow loads it by itself only where all formats are allowed.
from PIL import Image, UnidentifiedImageError, WebPImagePlugin

from copycat.errors import BadFile

FORMATS = {"PNG": "png", "JPEG": "jpg", WebPImagePlugin.WebPImageFile.format: "webp"}
"""Kinds of pictures that are taken, and how their files are called."""
MOST_PIXELS = 2**26
"""8,192 × 8,192; a larger picture is refused before it is decoded, since it could be a trap."""
MOST_STRIP_PIXELS = 2**27
"""The same for all frames of a video side by side, which copycat itself makes."""
MOST_BYTES = 2**28
"""256 MiB; a larger file is not read."""
BACKGROUND = (255, 255, 255)
"""What is seen through transparent parts: white, as on a page."""

_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""By the orientation that EXIF tells; 1 is upright."""
_ON_ITS_SIDE = (5, 6, 7, 8)
_PHONE = "MPO"
"""What Pillow calls a JPEG file with further pictures behind its end, as phones write."""
_SIGNATURES = {
    b"GIF8": "GIF",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"%!PS": "PostScript",
    b"%PDF": "PDF",
    b"\xff\x0a": "JPEG XL",
    b"\0\0\0\x0cJXL ": "JPEG XL",
    b"<svg": "SVG",
}
"""How files of formats that people try begin."""
_BRANDS = {b"avif": "AVIF", b"heic": "HEIC", b"mif1": "HEIC"}

_opening = Lock()
"""Filters of warnings belong to the whole process, and pages are made in several threads."""


@dataclass(frozen=True)
class Picture:
    """A picture as it is judged and shown."""

    image: Image.Image
    """8-bit RGB, upright, without metadata."""
    format: str
    """PNG, JPEG or WEBP."""
    animated: bool
    """Whether the file holds further frames, which nobody looks at."""


@dataclass(frozen=True)
class Header:
    """What the beginning of a picture file tells."""

    width: int
    height: int
    """Of the upright picture, in pixels."""
    plain: bool
    """Whether a browser shows the file itself as it is judged: nothing to turn, to see through or to play."""


def read(path: str | Path, where: str = "", *, most: int | None = None) -> Image.Image:
    """The picture at `path` in upright 8-bit RGB.

    Raises BadFile, whose sentence begins with `where` (the path itself when empty), for a file that is
    missing, is no whole PNG, JPEG or WebP, or has more than `most` pixels, by default
    MOST_PIXELS, or MOST_BYTES bytes.
    """
    where = where or str(path)
    return decode(read_bytes(path, where), where, most=most).image


def read_bytes(path: str | Path, where: str) -> bytes:
    """The content of a picture file. Raises BadFile where it cannot be read or is larger than MOST_BYTES."""
    try:
        with Path(path).open("rb") as f:
            content = f.read(MOST_BYTES + 1)
    except (OSError, ValueError) as e:
        raise BadFile(f"{where} cannot be read ({getattr(e, 'strerror', None) or e})") from e
    _check_bytes(content, where)
    return content


def decode(content: bytes, where: str, *, most: int | None = None) -> Picture:
    """The picture in `content`, the whole of a file; raises BadFile as `read`."""
    _check_bytes(content, where)
    with _open(io.BytesIO(content), where) as opened:
        return convert(opened, where, most=most)


def convert(opened: Image.Image, where: str, *, most: int | None = None) -> Picture:
    """A picture that a library has opened and not yet decoded; raises BadFile as `read`."""
    form = _format(opened, where)
    _check_pixels(opened, where, most)
    try:
        if getattr(opened, "default_image", False):
            # The picture that only viewers without animation show.
            opened.seek(1)
        opened.load()
        image = _eight_bits(opened)
        turn = _orientation(opened)
        if turn in _TURNS:
            image = image.transpose(_TURNS[turn])
        animated = form != "JPEG" and getattr(opened, "n_frames", 1) > 1
    except Exception as e:  # decoders raise anything on files that were made to break them
        raise BadFile(f"{where} is not a picture that opens") from e
    # What else the file says is not kept: it may tell how, by whom or with which key it was made.
    image.info = {}
    return Picture(image, form, animated)


def look(path: Path, *, most: int | None = None) -> Header:
    """Size and kind of the picture at `path`, of which no pixel is decoded; raises BadFile as `read`."""
    where = str(path)
    with _open(path, where) as opened:
        form = _format(opened, where)
        _check_pixels(opened, where, most)
        turn = _orientation(opened)
        width, height = opened.size[::-1] if turn in _ON_ITS_SIDE else opened.size
        moving = form != "JPEG" and getattr(opened, "n_frames", 1) > 1
        through = opened.has_transparency_data or opened.mode not in ("RGB", "L", "P", "1")
        return Header(width, height, not (turn in _TURNS or moving or through))


def _open(source: Path | io.BytesIO, where: str) -> Image.Image:
    try:
        with _opening, warnings.catch_warnings():
            # Size is limited by MOST_PIXELS.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return Image.open(source, formats=tuple(FORMATS))
    except Image.DecompressionBombError as e:
        raise BadFile(f"{where} is too large: at most {MOST_PIXELS:,} pixels are taken") from e
    except UnidentifiedImageError as e:
        raise BadFile(f"{where} {_instead(source)}") from e
    except OSError as e:
        why = f"cannot be read ({e.strerror})" if e.strerror else "is not a picture that opens"
        raise BadFile(f"{where} {why}") from e
    except Exception as e:  # odd headers, see convert()
        raise BadFile(f"{where} is not a picture that opens") from e


def _instead(source: Path | io.BytesIO) -> str:
    """What a file that is no picture of ours is instead, and what to do with it."""
    if isinstance(source, Path):
        with source.open("rb") as f:
            head = f.read(16)
    else:
        head = source.getvalue()[:16]
    kind = next((name for start, name in _SIGNATURES.items() if head.startswith(start)), None)
    if head[4:8] == b"ftyp":
        kind = _BRANDS.get(head[8:12])
    return f"is {kind}; convert it to PNG, JPEG or WebP" if kind else "is not a picture that opens"


def _format(opened: Image.Image, where: str) -> str:
    form = "JPEG" if opened.format == _PHONE else str(opened.format)
    if form not in FORMATS:
        raise BadFile(f"{where} is {form}; convert it to PNG, JPEG or WebP")
    return form


def _check_bytes(content: bytes, where: str) -> None:
    if len(content) > MOST_BYTES:
        raise BadFile(f"{where} is too large: a picture's file has at most {MOST_BYTES // 2**20} MiB")


def _check_pixels(opened: Image.Image, where: str, most: int | None) -> None:
    most = MOST_PIXELS if most is None else most
    width, height = opened.size
    if width * height > most:
        raise BadFile(f"{where} is too large: {width} × {height} pixels, and at most {most:,} are taken")


def _orientation(opened: Image.Image) -> int:
    """As EXIF tells it; 1, upright, where it tells nothing that can be read."""
    exif = Image.Exif()
    try:
        exif.load(opened.info.get("exif") or b"")
        return int(exif.get(_ORIENTATION, 1))
    except Exception:  # noqa: BLE001  broken EXIF data turns nothing, in browsers neither
        return 1


def _eight_bits(opened: Image.Image) -> Image.Image:
    """The decoded picture as RGB on the background."""
    if opened.mode.startswith("I"):
        return _from_sixteen_bits(opened)
    if opened.has_transparency_data:
        ground = Image.new("RGBA", opened.size, (*BACKGROUND, 255))
        return Image.alpha_composite(ground, opened.convert("RGBA")).convert("RGB")
    return opened.convert("RGB")


def _from_sixteen_bits(opened: Image.Image) -> Image.Image:
    """Grey of 16 bits by its high byte, as browsers show it and as Pillow reads 16-bit colour."""
    values = np.asarray(opened).astype(np.int64).clip(0, 0xFFFF)
    grey = (values >> 8).astype(np.uint8)
    clear = opened.info.get("transparency")
    if isinstance(clear, int):
        grey = np.where(values == clear, BACKGROUND[0], grey).astype(np.uint8)
    return Image.fromarray(grey).convert("RGB")
