"""Calls to a hosted judge, against a provider on this machine that is slow, limited and failing.

`python -m benchmarks.hosted` prints, one line each:

- full: how full the slots are kept, with a latency L, a limit of C at a time, one answer in ten four times
  as slow, and 5 % of the attempts ending in 429, 500 or a time-out. The bar is 95 % of C/L, errors accounted
  for: what is compared with C is how many attempts the provider had in hand on average. A failed attempt
  takes a slot as an answer does, a time-out for its whole length; both are the provider's and not ours. The
  plain ratio of answers a second to C over the mean latency of an answer, without that, stands beside it.
- kept: 10 000 verdicts through the same, none lost and none doubled, in the provider's books and on disk.
- stalled: fifty calls of which one never ends; the others are there after how long.
- patient: twenty calls at five a minute without Retry-After, on a clock that runs faster.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image

from copycat.cards.judges import JudgeCard
from copycat.io.hosted import Api, Calls, connect
from copycat.io.hosted.calls import threads_for
from copycat.io.journal import Journal
from copycat.judges.base import load_judge
from copycat.records import Question, Verdict
from copycat.runtime.concurrent import Concurrent
from tests.helpers.provider import FastClock, Provider, providing

PICTURE = Image.new("RGB", (64, 64))


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def questions(many: int) -> list[Question]:
    return [
        Question(kind="verify", file="f", sha256="0", request=str(i), text=f"question {i}")
        for i in range(many)
    ]


def ask(provider: Provider, asked: Sequence[Question], at_a_time: int, timeout: float, path: Path) -> float:
    """Ask all of `asked` and keep the verdicts in `path`; seconds until the last was there."""
    api = Api(base_url=provider.url, key_env=None, timeout=timeout, retries=8)
    card = JudgeCard(name="seer", kind="openai-chat", source="m", batch_size=at_a_time, api=api)
    journal = Journal(path, Verdict)

    @contextmanager
    def opened(device: str) -> Iterator[Callable[[Question], Verdict]]:
        with load_judge(card, device) as judge:
            yield lambda q: judge.ask([q], [PICTURE])[0]

    began = time.monotonic()
    Concurrent("cpu", threads_for(at_a_time), timeout).map(
        asked, opened, lambda results: journal.append([v for _, v in results])
    )
    return time.monotonic() - began


def full(path: Path, latency: float, limit: int, many: int) -> None:
    timeout = 8 * latency
    mean = 0.9 * latency + 0.1 * 4 * latency
    with providing(Provider(latency=latency, slow=4, errors=0.05, at_once=limit)) as provider:
        seconds = ask(provider, questions(many), limit, timeout, path)
        # Once the last question is out, slots become empty because there is nothing left to ask.
        window = provider.last_new - (provider.began or 0.0)
        in_use, overall = provider.busy_by_then / window / limit, provider.busy / seconds / limit
        plain = many * mean / seconds / limit
        say(
            f"full: {in_use:.1%} of {limit} slots in use until the last question went out, {window:.1f} s "
            f"(bar 95 %); {overall:.1%} over all {seconds:.1f} s; {many / seconds:.2f} answers a second, "
            f"{plain:.1%} of C/L without accounting for errors; statuses {dict(provider.statuses)}, "
            f"{provider.cut} cut"
        )


def kept(path: Path, many: int) -> None:
    with providing(Provider(latency=0.02, slow=4, errors=0.05, at_once=64)) as provider:
        seconds = ask(provider, questions(many), 64, 30.0, path)
        rows = Journal(path, Verdict).rows()
        on_disk = Counter(v.request for v in rows if v.scored)
        say(
            f"kept: {many} asked in {seconds:.0f} s, {provider.asked.total()} attempts; "
            f"{many - len(on_disk)} lost, {sum(n > 1 for n in on_disk.values())} doubled on disk, "
            f"{sum(n > 1 for n in provider.answered.values())} answered more than once, "
            f"{len(rows) - len(on_disk)} rows without an answer"
        )


def stalled() -> None:
    with providing(Provider(latency=0.2, moods={"question 0": "stall"})) as provider:
        api = Api(base_url=provider.url, key_env=None, timeout=10, retries=0)
        card = JudgeCard(name="seer", kind="openai-chat", source="m", batch_size=8, api=api)
        came: list[float] = []

        @contextmanager
        def opened(device: str) -> Iterator[Callable[[Question], Verdict]]:
            with load_judge(card, device) as judge:
                yield lambda q: judge.ask([q], [PICTURE])[0]

        began = time.monotonic()
        Concurrent("cpu", threads_for(8), 10).map(
            questions(50), opened, lambda results: came.extend(time.monotonic() - began for _ in results)
        )
        say(f"stalled: 49 of 50 after {came[48]:.1f} s, the one that never ends cut after {came[49]:.1f} s")


def patient() -> None:
    clock = FastClock(60)
    with providing(Provider(latency=1, a_minute=5, clock=clock)) as provider:
        api = Api(base_url=provider.url, key_env=None, timeout=100, retries=5)
        client: Any = connect(api, "The model m")
        calls = Calls(api, "The model m", 8, hang_up=client.close, clock=clock)

        def one(text: str) -> None:
            message = {"role": "user", "content": text}
            calls.call(lambda: client.chat.completions.create(model="m", messages=[message]))

        @contextmanager
        def opened(device: str) -> Iterator[Callable[[str], None]]:  # noqa: ARG001  far away
            yield one
            calls.close()

        done: list[str] = []
        began = clock.now()
        Concurrent("cpu", threads_for(8), 10).map(
            [str(i) for i in range(20)], opened, lambda results: done.extend(text for text, _ in results)
        )
        say(
            f"patient: {len(done)} of 20 answered in {(clock.now() - began) / 60:.1f} minutes at 5 a minute, "
            f"{provider.statuses[429]} answers that it is too often"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", choices=("full", "kept", "stalled", "patient"))
    parser.add_argument("--latency", type=float, default=1.0, help="L, in seconds")
    parser.add_argument("--limit", type=int, default=16, help="C")
    parser.add_argument("--calls", type=int, default=1200, help="of `full`")
    parser.add_argument("--kept", type=int, default=10_000, help="calls of `kept`")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        parts: dict[str, Callable[[], None]] = {
            "full": lambda: full(Path(folder) / "full.jsonl", chosen.latency, chosen.limit, chosen.calls),
            "kept": lambda: kept(Path(folder) / "kept.jsonl", chosen.kept),
            "stalled": stalled,
            "patient": patient,
        }
        for name, part in parts.items():
            if chosen.only in (None, name):
                part()


if __name__ == "__main__":
    main()
