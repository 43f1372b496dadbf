"""A clock that goes back."""

from __future__ import annotations

import datetime
import os
import random
import time
from pathlib import Path

_STEP = 3600.0


def going_back(seed: int) -> None:
    """From now on this process's clock goes back by up to an hour each time somebody looks at it."""
    from copycat.runs import manifest

    rng, real, back = random.Random(seed), time.time, [0.0]

    def now() -> float:
        back[0] += rng.random() * _STEP
        return real() - back[0]

    class Datetime(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Datetime:
            return cls.fromtimestamp(now(), tz)

    time.time = now
    manifest.datetime = Datetime  # type: ignore[misc]


def age(folder: Path, rng: random.Random) -> None:
    """Give every file of `folder` a time of its own within the last two days."""
    today = time.time()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            when = today - rng.random() * 48 * _STEP
            os.utime(path, (when, when))
