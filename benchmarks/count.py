"""Counting captions: how fast, in how much memory, and whether the counts are right; all bars in one run.

`python -m benchmarks.count` makes a corpus of `--captions` captions (20 million unless told) in Parquet
shards of a million, then measures, each in processes of its own and two at a time where it says "two":

- reading: the caption column read and decompressed, and nothing else, by two processes.
- count: `copycat count` of the 100 characters of the registries copycat and unseen, all names, by two.
- distinct: the same with captions that are alike counted once, on the first shards (`--some`).
- loop: the straightforward way in Python, one regular expression of all names, on a sample, by one process;
  its rate is doubled for two. `loop, names apart` has an expression for each character.
- brute force: `tests/helpers/counted.py` on a random sample of `--sample` captions, number by number.

The captions: words of a Zipf distribution over a vocabulary of 200,000 (function words first, English words,
words in other scripts, numbers and codes), lognormal lengths with median 9, every fifth caption in title
case, punctuation between words, a name in 2 % of them, one in ten a repetition; a fifth is not ASCII. Their
mean length is told. On a busy machine seconds of the processor say more than those of the clock, so both are
given; memory is the sum over all processes, in which what they share is counted for each.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from copycat.counting.corpus import About, count_corpus
from copycat.counting.engines import Workers
from copycat.counting.names import concepts
from copycat.counting.parts import Rule
from copycat.counting.readers import BATCH
from copycat.counting.shards import find_shards
from copycat.io.paths import DATA
from copycat.runtime.environment import hardware
from copycat.subjects.characters import Registry, load_registry, normalise
from copycat.subjects.counts import Counts
from tests.helpers.counted import slowly

SHARD = 1_000_000
WORDS = 200_000
NAMED = 0.02
LAION = 2_300_000_000
"""Captions of LAION-2B-en."""
MACHINES = 16


def vocabulary(seed: int) -> list[str]:
    """Words in the order of their rank."""
    rng = random.Random(seed)
    function = (DATA / "keywords" / "stop.txt").read_text(encoding="utf-8").split()
    english = (DATA / "words" / "english.txt").read_text(encoding="utf-8").split()
    rng.shuffle(english)
    pieces = ["ka", "lo", "mi", "ter", "san", "vel", "or", "en", "bri", "dun", "ch", "é", "ü", "ñ", "ø"]
    cyrillic, han = "абвгдежзиклмнопрст", "山水花鳥風月写真東京"
    rest = []
    while len(rest) < WORDS:
        kind = rng.random()
        if kind < 0.7:
            rest.append("".join(rng.choices(pieces[:11], k=rng.randint(2, 4))))
        elif kind < 0.9:
            rest.append(f"{rng.choice(['IMG_', 'DSC', '', 'no', 'x'])}{rng.randint(1, 99_999)}")
        elif kind < 0.97:
            rest.append("".join(rng.choices(pieces, k=rng.randint(2, 4))))
        else:
            rest.append("".join(rng.choices(rng.choice([cyrillic, han]), k=rng.randint(2, 6))))
    return [*function, *english, *rest][:WORDS]


def dressed(word: str, rng: random.Random) -> str:
    """A word as captions have it: with a comma, in quotation marks, with a dash before it."""
    kind = rng.random()
    if kind < 0.06:
        return f"{word},"
    if kind < 0.08:
        return f"{word}'s"
    if kind < 0.09:
        return f"“{word}”"
    if kind < 0.12:
        return f"- {word}"
    return f"{word}." if kind < 0.14 else word


def names_of(people: list[Registry]) -> list[str]:
    """Every name of everybody."""
    return [n for r in people for c in r.characters for n in c.spoken if normalise(n)]


def make_shard(folder: str, number: int, size: int) -> int:
    """One shard of captions; returns the bytes of them all."""
    told, rng = random.Random(number), np.random.default_rng([11, number])
    words = [dressed(w, told) for w in vocabulary(5)]
    names = names_of([load_registry("copycat"), load_registry("unseen")])
    stock = pa.array([*words, *(w.title() for w in words), *names], pa.large_string())
    lengths = np.clip(rng.lognormal(np.log(9), 0.55, size), 1, 60).astype(np.int64)
    ends = np.concatenate([[0], np.cumsum(lengths)])
    share = 1 / np.arange(1, WORDS + 1)
    ranks = np.searchsorted(np.cumsum(share) / share.sum(), rng.random(ends[-1]))
    titled = np.repeat(rng.random(size) < 0.2, lengths)
    picks = np.minimum(ranks, WORDS - 1) + WORDS * titled
    named = np.flatnonzero(rng.random(size) < NAMED)
    # As on the web, a few are named very often.
    whose = np.minimum(rng.zipf(1.3, len(named)) - 1, len(names) - 1)
    order = np.random.default_rng(3).permutation(len(names))
    picks[ends[named] + rng.integers(0, lengths[named])] = 2 * WORDS + order[whose]
    lists = pa.LargeListArray.from_arrays(pa.array(ends), stock.take(pa.array(picks)))
    captions = pc.binary_join(lists, pa.scalar(" ", pa.large_string()))
    again = np.where(rng.random(size) < 0.1, rng.integers(0, size, size), np.arange(size))
    captions = captions.take(pa.array(again))
    pq.write_table(pa.table({"TEXT": captions}), Path(folder) / f"{number:05}.parquet", compression="snappy")
    return int(pc.sum(pc.binary_length(captions)).as_py())


def read_alone(path: str) -> int:
    """The caption column of one shard, read as `copycat count` reads it; how many there were."""
    pa.set_cpu_count(1)
    with pq.ParquetFile(path, pre_buffer=False) as file:
        return sum(len(b) for b in file.iter_batches(BATCH, columns=["TEXT"], use_threads=False))


def loop(path: str, some: int, apart: bool) -> tuple[float, Counter[str]]:
    """The straightforward way, on the first `some` captions: seconds of the processor, and counts by name or
    by number of the character."""
    people = [load_registry("copycat"), load_registry("unseen")]
    each = [[n for n in c.spoken if normalise(n)] for r in people for c in r.characters]
    wanted = each if apart else [[n for names in each for n in names]]
    found = [
        re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, sorted(ns, key=len, reverse=True)))})(?!\w)", re.I)
        for ns in wanted
    ]
    captions = pq.read_table(path, columns=["TEXT"])["TEXT"].slice(0, some).to_pylist()
    counts: Counter[str] = Counter()
    began = time.process_time()
    for caption in captions:
        if apart:
            for i, expression in enumerate(found):
                if expression.search(caption):
                    counts[str(i)] += 1
        else:
            for name in {m.group().lower() for m in found[0].finditer(caption)}:
                counts[name] += 1
    return time.process_time() - began, counts


class Watch:
    """Seconds and memory of this process and its children while something runs."""

    def __enter__(self) -> Watch:
        self.peak, self._over = 0, threading.Event()
        self._began, self._cpu = time.perf_counter(), _cpu()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def _look(self) -> None:
        me = psutil.Process()
        while not self._over.wait(0.1):
            total = 0
            for process in (me, *me.children(recursive=True)):
                try:
                    total += process.memory_info().rss
                except psutil.Error:
                    continue
            self.peak = max(self.peak, total)

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self.seconds, self.cpu = time.perf_counter() - self._began, _cpu() - self._cpu


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def pooled(work: Callable[..., object], *columns: list[object]) -> list[object]:
    """`work` on each row of `columns`, by two processes."""
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        return list(pool.map(work, *columns))


def count(shards: list[Path], out: Path, *, distinct: bool = False) -> Counts:
    """What `copycat count` does with these shards."""
    people = [load_registry("copycat"), load_registry("unseen")]
    rule = Rule(concepts(people), None, distinct)
    about = About("synthetic", "benchmarks/count.py", ())
    return count_corpus(
        find_shards([str(s) for s in shards]), rule, about, out, workers=Workers(2), tell=str
    ).counts


def brute_force(shards: list[Path], sample: int, folder: Path) -> tuple[int, int]:
    """How many of the numbers of a random sample of captions differ, and how many there are."""
    rng = np.random.default_rng(1)
    each = -(-sample // len(shards))
    captions: list[str] = []
    for shard in shards:
        column = pq.read_table(shard, columns=["TEXT"])["TEXT"]
        chosen = rng.choice(len(column), min(each, len(column)), replace=False)
        captions += column.take(pa.array(np.sort(chosen))).to_pylist()
    path = folder / "sample.parquet"
    pq.write_table(pa.table({"TEXT": captions}), path)
    found = count([path], folder / "sample.json")
    expected = slowly(captions, load_registry("copycat"), load_registry("unseen"))
    pairs = [(found.total, expected.captions)]
    for c in found.characters:
        pairs += [(c.count, expected.named[c.slug]), (c.doubtful, expected.doubtful[c.slug])]
        pairs += [(n, expected.by_name[name]) for name, n in c.names.items()]
        pairs += [(n, expected.words[c.slug][word]) for word, n in c.words]
    return sum(a != b for a, b in pairs), len(pairs)


def say(line: str) -> None:
    """One line of the result."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def told(name: str, captions: int, watch: Watch, note: str = "") -> float:
    """Say one line; returns captions a second on two cores, by the processor's seconds."""
    by_cpu = 2 * captions / watch.cpu
    say(
        f"{name:18} {captions / watch.seconds / 1e6:6.2f} M/s by the clock ({watch.seconds:.1f} s), "
        f"{by_cpu / 1e6:6.2f} M/s by the processor's seconds on two cores, {watch.peak / 1e6:.0f} MB{note}"
    )
    return by_cpu


def bars(
    rates: dict[str, float], clock: dict[str, float], peak: float, wrong: int
) -> Iterator[tuple[str, bool]]:
    """Each bar, and whether it is met."""
    times = rates["count"] / rates["loop"]
    yield f"at least 10 times the loop: {times:.0f} times", times >= 10
    share = rates["count"] / rates["reading"]
    fast = clock["count"] >= 1e6 or share >= 0.5
    yield (
        f"at least 1 M captions/s ({clock['count'] / 1e6:.2f} by the clock), or half of reading alone "
        f"({share:.0%} by the processor)",
        fast,
    )
    yield f"at most 1 GB of memory, with --distinct too: {peak / 1e6:.0f} MB", peak <= 1e9
    yield f"equal to brute force: {wrong} numbers differ", wrong == 0


def main() -> None:
    """Make the corpus where there is none, measure, say which bars are met; exit code 1 where one is not."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--captions", type=int, default=20 * SHARD)
    parser.add_argument("--sample", type=int, default=100_000)
    parser.add_argument("--some", type=int, default=2, help="shards for --distinct")
    parser.add_argument("--loop", type=int, default=20_000, help="captions for the loops in Python")
    parser.add_argument("--folder", type=Path, help="keep the corpus there, or measure the one that is there")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        measure(given, given.folder or Path(scratch) / "corpus", Path(scratch))


def measure(given: argparse.Namespace, folder: Path, scratch: Path) -> None:
    """All of it."""
    shards = corpus(given.captions, folder)
    captions = sum(pq.read_metadata(s).num_rows for s in shards)
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    say(
        f"{captions:,} captions in {len(shards)} shards, {sum(s.stat().st_size for s in shards) / 1e6:.0f} MB"
    )
    say(f"commit {commit.stdout.strip()}, {json.dumps(hardware())}, load {psutil.getloadavg()[0]:.1f}")
    rates: dict[str, float] = {}
    clock: dict[str, float] = {}
    with Watch() as watch:
        pooled(read_alone, [str(s) for s in shards])
    rates["reading"], clock["reading"] = told("reading, two", captions, watch), captions / watch.seconds
    with Watch() as watch:
        found = count(shards, scratch / "counts.json")
    named = sum(c.count for c in found.characters)
    rates["count"] = told("count, two", captions, watch, f"; {named:,} captions by character")
    clock["count"], peak = captions / watch.seconds, watch.peak
    with Watch() as watch:
        some = shards[: given.some]
        count(some, scratch / "distinct.json", distinct=True)
    told("distinct, two", sum(pq.read_metadata(s).num_rows for s in some), watch)
    peak = max(peak, watch.peak)
    for name, apart in (("loop", False), ("loop, names apart", True)):
        seconds, _ = loop(str(shards[0]), given.loop, apart)
        rates[name] = 2 * given.loop / seconds
        say(f"{name:18} {rates[name] / 1e6:6.4f} M/s by the processor's seconds on two cores")
    wrong, numbers = brute_force(shards, given.sample, scratch)
    say(f"brute force: {given.sample:,} captions, {numbers:,} numbers compared, {wrong} differ")
    hours = LAION / clock["count"] / 3600
    say(
        f"LAION-2B-en on paper, {LAION / 1e9} billion captions: {hours:.2f} h on such a machine, "
        f"{hours / MACHINES * 60:.1f} min on {MACHINES} (without fetching it)"
    )
    verdicts = list(bars(rates, clock, peak, wrong))
    say("\n".join(f"{'met' if met else 'NOT MET'}: {what}" for what, met in verdicts))
    sys.exit(not all(met for _, met in verdicts))


def corpus(captions: int, folder: Path) -> list[Path]:
    """The shards in `folder`, made where it is empty."""
    folder.mkdir(parents=True, exist_ok=True)
    if not any(folder.iterdir()):
        sizes = [min(SHARD, captions - i) for i in range(0, captions, SHARD)]
        numbers = list(range(len(sizes)))
        lengths = pooled(make_shard, [str(folder)] * len(sizes), numbers, sizes)
        say(f"captions of {sum(map(int, lengths)) / captions:.1f} bytes on average")  # type: ignore[call-overload]
    return sorted(folder.glob("*.parquet"))


if __name__ == "__main__":
    main()
