"""How rightly `copycat lookup` says that two pictures look alike: on the menagerie's 400 reference pictures.

    python -m benchmarks.lookup

Prints the share of changed pictures that are found again within NEAR bits, and how many pairs of different
pictures are taken for one another.
"""

from __future__ import annotations

import io
import itertools
import sys
from collections.abc import Callable, Mapping

from PIL import Image, ImageEnhance

from copycat.io import pictures
from copycat.io.picture_hash import bits_apart, phash_hex
from copycat.release.lookup import NEAR
from copycat.subjects.characters import load_registry

Change = Callable[[Image.Image], Image.Image]


def _jpeg(quality: int) -> Change:
    def change(image: Image.Image) -> Image.Image:
        written = io.BytesIO()
        image.save(written, "JPEG", quality=quality)
        return pictures.decode(written.getvalue(), "a picture").image

    return change


CHANGES: Mapping[str, Change] = {
    "JPEG, quality 75": _jpeg(75),
    "JPEG, quality 30": _jpeg(30),
    "four times as large": lambda i: i.resize((i.width * 4, i.height * 4), Image.Resampling.BICUBIC),
    "three quarters as large": lambda i: i.resize((i.width * 3 // 4, i.height * 3 // 4)),
    "grey": lambda i: i.convert("L").convert("RGB"),
    "brighter by 20 %": lambda i: ImageEnhance.Brightness(i).enhance(1.2),
    "one pixel of 32 cut off on each side": lambda i: i.crop((1, 1, i.width - 1, i.height - 1)),
    "mirrored": lambda i: i.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
}


def main() -> None:
    """Print the table."""
    paths = [p for c in load_registry("menagerie").characters for p in c.references]
    images = [pictures.read(p) for p in paths]
    hashes = [phash_hex(i) for i in images]
    lines = [f"{len(images)} pictures, at most {NEAR} of 63 bits"]
    for name, change in CHANGES.items():
        found = sum(bits_apart(phash_hex(change(i)), h) <= NEAR for i, h in zip(images, hashes, strict=True))
        lines.append(f"found again, {name}: {found / len(images):.1%}")
    pairs = list(itertools.combinations(hashes, 2))
    taken = sum(bits_apart(a, b) <= NEAR for a, b in pairs)
    lines.append(f"different pictures taken for one another: {taken} of {len(pairs):,} pairs")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
