"""What each level of PNG compression takes and saves, and whether encoding leaves the other threads alone.

    python -m benchmarks.png --pixels 1024

The pictures are smooth with noise on them, as those of diffusion models are. Prints CPU milliseconds a
picture, bytes, and whether the bytes are those that copycat writes; then wall time of encoding all of them on
one thread and on two.
"""

from __future__ import annotations

import argparse
import io
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import Image

from copycat.stages.keep import png


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def picture(pixels: int, seed: int) -> Image.Image:
    rng = np.random.default_rng(seed)
    smooth = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).resize((pixels, pixels))
    noisy = np.asarray(smooth, dtype=np.float64) + rng.normal(0, 3, (pixels, pixels, 3))
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


def encoded(image: Image.Image, level: int) -> bytes:
    out = io.BytesIO()
    image.save(out, format="PNG", compress_level=level)
    return out.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pixels", type=int, default=1024)
    parser.add_argument("--pictures", type=int, default=4)
    given = parser.parse_args()
    images = [picture(given.pixels, seed) for seed in range(given.pictures)]
    ours = [png(image) for image in images]
    say(f"{'level':>5}{'CPU ms':>9}{'bytes':>11}  bytes as written")
    for level in (0, 1, 3, 6, 9):
        began = time.process_time()
        made = [encoded(image, level) for image in images]
        took = (time.process_time() - began) / len(images) * 1000
        say(
            f"{level:>5}{took:>9.0f}{sum(map(len, made)) // len(made):>11}  {'yes' if made == ours else 'no'}"
        )
    for threads in (1, 2):
        with ThreadPoolExecutor(threads) as pool:
            began = time.perf_counter()
            list(pool.map(png, images))
            say(f"{threads} thread{'s' if threads > 1 else ''}: {time.perf_counter() - began:.2f} s")


if __name__ == "__main__":
    main()
