"""Gives every reader of what comes from outside broken input, which it may refuse in a sentence and no more.

    python -m benchmarks.fuzz --inputs 1000000
    python -m benchmarks.fuzz --inputs 20000 --only reply-names,picture --seed 7

Inputs are made of files that the reader does read, by changing, cutting, repeating and splicing bytes and by
putting in what has broken readers before. A reader may return or raise a UserError. Any other exception, or
one input that takes longer than SLOWEST seconds, counts as a crash; it is told with the seed that makes the
input again, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
import tempfile
import time
import traceback
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.fuzz_readers import READERS, Reader
from copycat.errors import UserError

SLOWEST = 10.0
"""Seconds of one input from which on it counts as a hang; on a busy machine most take a millisecond."""

# ruff: noqa: E501  a table of inputs
TOKENS: tuple[bytes, ...] = tuple(
    t if isinstance(t, bytes) else t.encode("utf-8", "surrogatepass")
    for t in (
        "", "\0", "\ufeff", "\u2028", "\u2029", "\x85", "\r", "\n", "\t", "\ud800", "\\ud800", "\\u0000", "\u202e",
        "{", "}", "[", "]", "[]", "{}", "null", "true", "NaN", "Infinity", "-Infinity", ".inf", ".nan", "1e999",
        "-1", "0", "9" * 25, "9" * 5000, "0x" + "f" * 5000, "1e300", '"', "'", "\\", "`", ",", ":", "-", "?", "!!",
        "&a ", "*a", "<<: *a", "!!float x", "!!int 1_", "!!binary x", "!!python/object:os.system {}", "2001-99-99",
        "--- ", "...", "| ", "> ", "%YAML 9.9\n", "=1+1", "../", "/etc/passwd", "~nobody", "C:\\", "a" * 300,
        "[" * 70, "[" * 3000, '{"a":' * 3000, "- " * 100, "<think>", "</think>", "<answer>", "\\boxed{", "Name: ",
        "Ａ", "ß", "İ", "é", "e\u0301", "\u200d", "🦸", "﷽", "ﬁ",
        b"\xff", b"\xc3", b"\xed\xa0\x80", b"\x89PNG\r\n\x1a\n", b"IHDR", b"IDAT", b"eXIf", b"PAR1", b"\x1f\x8b",
        b"\xff\xd8\xff", b"RIFF", b"WEBP", b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff", b"\x00\x00\x00\x00",
    )
)  # fmt: skip


@dataclass
class Seen:
    """What became of one reader's inputs."""

    inputs: int = 0
    outcomes: set[str] = field(default_factory=set)
    """Kinds of answers and refusals, their details aside."""
    crashes: dict[str, int] = field(default_factory=dict)
    """Seed of the first input, by what was raised and where."""
    seconds: float = 0.0
    slowest: float = 0.0
    slowest_seed: int = 0


def mutate(rng: random.Random, seeds: list[bytes]) -> bytes:
    """An input made of `seeds`."""
    data = bytearray(rng.choice(seeds))
    for _ in range(1 + int(rng.expovariate(0.5))):
        at = rng.randrange(len(data) + 1)
        to = min(len(data), at + 1 + int(rng.expovariate(0.1)))
        match rng.randrange(8):
            case 0:
                data[at:at] = rng.choice(TOKENS)
            case 1:
                data[at:to] = rng.choice(TOKENS)
            case 2:
                del data[at:to]
            case 3:
                data[at:at] = data[at:to] * rng.choice((1, 2, 50))
            case 4:
                other = rng.choice(seeds)
                start = rng.randrange(len(other) + 1)
                data[at:to] = other[start : start + rng.randrange(40)]
            case 5 if data:
                data[rng.randrange(len(data))] = rng.randrange(256)
            case 6:
                del data[at:]
            case _:
                _change_value(rng, data)
    return bytes(data[:200_000])


def _change_value(rng: random.Random, data: bytearray) -> None:
    """Put another value where JSON, YAML or CSV has one: after a colon or a comma, up to the next sign."""
    starts = [i + 1 for i, b in enumerate(data[:4000]) if b in b":,\t"]
    if starts:
        start = rng.choice(starts)
        end = next((i for i in range(start, len(data)) if data[i] in b",}]\n\t"), len(data))
        data[start:end] = b" " + rng.choice(TOKENS)


def try_one(reader: Reader, folder: Path, content: bytes) -> str:
    """What kind of answer `reader` gives; whatever it raises but a UserError comes out."""
    path = folder / reader.file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    try:
        found = reader.read(path)
    except UserError as e:
        told = str(e)
        # One sentence for a person, which can be written in any log.
        told.encode("utf-8", "backslashreplace")
        return f"{type(e).__name__}: {_kind(told)}"
    return f"read: {_shape(found)}"


def _shape(found: object) -> str:
    """What kind of thing was read."""
    if isinstance(found, tuple) and len(found) < 4:
        return ", ".join(map(_shape, found))
    return f"{type(found).__name__} {_kind(getattr(found, 'reason', ''))}".strip()


def _kind(message: str) -> str:
    """`message` without what the input put there."""
    return "".join(c for c in message.rpartition("/")[2][:120] if c.isalpha() or c == " ")[:80]


def fuzz(name: str, inputs: int, seed: int, until: float = float("inf")) -> Seen:
    """Give the reader `name` so many inputs, the i-th made from `seed` + i, unless time is up before."""
    reader, seen = READERS[name], Seen()
    begin = reader.seeds()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        for number in range(seed, seed + inputs):
            if time.monotonic() > until:
                break
            content = mutate(random.Random(number), begin)
            began = time.perf_counter()
            try:
                seen.outcomes.add(try_one(reader, Path(folder), content))
            except Exception as e:  # noqa: BLE001  that is what is looked for
                seen.crashes.setdefault(_where(e), number)
            seconds = time.perf_counter() - began
            seen.inputs, seen.seconds = seen.inputs + 1, seen.seconds + seconds
            if seconds > seen.slowest:
                seen.slowest, seen.slowest_seed = seconds, number
            if seconds > SLOWEST:
                seen.crashes.setdefault(f"took {seconds:.0f} s", number)
    return seen


def _where(error: Exception) -> str:
    ours = [f for f in traceback.extract_tb(error.__traceback__) if "copycat" in f.filename]
    place = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else "?"
    return f"{type(error).__name__} at {place}: {str(error)[:80]!a}"


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(argv: Iterable[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--inputs", type=int, default=10_000, help="in all, parted among the readers")
    parser.add_argument("--only", default="", help=f"some of {', '.join(READERS)}")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after so long")
    parser.add_argument("--show", type=int, help="print the input of this seed for the one reader named")
    given = parser.parse_args(list(argv) if argv is not None else None)
    names = [n for n in given.only.split(",") if n] or list(READERS)
    if given.show is not None:
        sys.stdout.buffer.write(mutate(random.Random(given.show), READERS[names[0]].seeds()))
        return 0
    total = crashes = 0
    until = time.monotonic() + given.seconds
    _say(f"{'reader':16} {'inputs':>9} {'outcomes':>8} {'crashes':>7} {'each':>8} {'slowest':>9}  (its seed)")
    for name in names:
        share = READERS[name].share / sum(READERS[n].share for n in names)
        seen = fuzz(name, math.ceil(given.inputs * share), given.seed, until)
        total, crashes = total + seen.inputs, crashes + len(seen.crashes)
        _say(
            f"{name:16} {seen.inputs:9,} {len(seen.outcomes):8} {len(seen.crashes):7} "
            f"{1000 * seen.seconds / max(seen.inputs, 1):5.2f} ms {seen.slowest:7.2f} s  ({seen.slowest_seed})",
        )
        for what, number in seen.crashes.items():
            _say(f"    {what}  (seed {number})")
    _say(f"{total:,} inputs, {crashes} kinds of crashes")
    return 1 if crashes else 0


if __name__ == "__main__":
    sys.exit(main())
