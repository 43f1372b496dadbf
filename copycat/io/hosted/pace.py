"""How many calls to one model may be in flight, and when the next may begin; shared by all threads.

Additive increase, multiplicative decrease, as in TCP: a server that keeps answering that it is asked too
often gets fewer calls at a time and a pause, and each answer makes room for more. A server that fails
again and again is left alone for a while and then tried with one call (a circuit breaker).
"""

from __future__ import annotations

import heapq
import itertools
import logging
import math
import random
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from copycat.errors import MissingRequirement, UserError

_LOG = logging.getLogger(__name__)
BREAK_AFTER = 10
"""Failed attempts one after another, of whichever calls, after which a server counts as down: with one
attempt in twenty failing by chance, that happens once in 10 000 000 000 000 calls."""
_SEEN, _BUSY = 20, 4
"""A rate limit is at work when 4 of the last 20 attempts met it; a stray one concerns its own call alone."""
_EASED = 0.7
"""What is left of the calls in flight when a rate limit is at work."""
_FIRST, _LONGEST = 0.5, 60.0
"""Seconds of the shortest and the longest wait that the server did not ask for."""
_TOLD_EVERY = 60.0


class Clock:
    """Time as calls see it; tests have one that runs faster."""

    def now(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()

    def real(self, seconds: float) -> float:
        """How long `seconds` of this clock are."""
        return seconds


def backoff(attempt: int) -> float:
    """Seconds before the attempt that follows failed attempt number `attempt` (from 1): about 0.5, 1, 2, …
    up to a minute, jittered so that calls that failed together do not come back together."""
    return float(min(_FIRST * 2 ** min(attempt - 1, 20), _LONGEST) * random.uniform(0.5, 1.0))


class Pace:
    """The turns of calls to one model."""

    def __init__(self, at_a_time: int, who: str, patience: float, clock: Clock) -> None:
        self._most, self._who, self._patience, self._clock = at_a_time, who, patience, clock
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._ended: UserError | None = None
        self._waiting: list[tuple[float, int, threading.Condition]] = []
        self._numbers = itertools.count()
        self._in_flight = 0
        self._limit, self._threshold = float(at_a_time), float(at_a_time)
        """Calls in flight that are allowed now, and up to where that grows by one with each answer."""
        self._recent: deque[bool] = deque(maxlen=_SEEN)
        """Of the last attempts, whether a rate limit met them."""
        self._failures = 0
        self._pause = 0.0
        self._paused_until = self._eased = -math.inf
        self._told = -math.inf
        self._got_through: float | None = None
        """When an attempt was last answered; None before the first."""
        self._began: float | None = None

    @contextmanager
    def turn(self, since: float) -> Iterator[float]:
        """Wait until a call may be sent, the one that waits `since` longest first; gives the time.

        Raises what :meth:`end` was given, once it was.
        """
        with self._lock:
            self._wait(since)
            self._in_flight += 1
            sent = self._clock.now()
            if self._began is None:
                self._began = sent
            self._wake()
        try:
            yield sent
        finally:
            with self._lock:
                self._in_flight -= 1
                self._wake()

    def _wait(self, since: float) -> None:
        me = (since, next(self._numbers), threading.Condition(self._lock))
        heapq.heappush(self._waiting, me)
        try:
            while True:
                if self._ended is not None:
                    raise self._ended
                first = self._waiting[0] is me
                pause = self._paused_until - self._clock.now() if first else 0.0
                if first and pause <= 0 and self._in_flight < int(self._limit):
                    return
                me[2].wait(self._clock.real(pause) if pause > 0 else None)
        finally:
            self._waiting.remove(me)
            heapq.heapify(self._waiting)
            self._wake()

    def _wake(self) -> None:
        # Only the one whose turn is next: the others would look and wait again.
        if self._waiting:
            self._waiting[0][2].notify()

    def rest(self, seconds: float) -> None:
        """Wait before an attempt of one's own; the others go on."""
        self._stop.wait(self._clock.real(seconds))

    def answered(self) -> None:
        """An attempt was answered, if only with a refusal: the server is there."""
        with self._lock:
            self._recent.append(False)
            self._failures, self._pause = 0, 0.0
            self._got_through = self._clock.now()
            self._limit += 1.0 if self._limit < self._threshold else 1.0 / self._limit
            self._limit = min(self._limit, float(self._most))
            self._wake()

    def limited(self, sent: float, retry_after: float | None, attempt: int, words: str) -> float:
        """An attempt, `sent` then, met a rate limit; returns how long its own call has to wait."""
        with self._lock:
            now = self._clock.now()
            self._recent.append(True)
            if self._silent_for(now) > self._patience:
                self._end(f"has let no call through for {self._patience / 60:.3g} minutes ({words})")
            if retry_after is not None and retry_after > self._patience:
                self._end(f"asks to be left alone for {retry_after / 3600:.2g} hours ({words})")
            if sum(self._recent) < min(_BUSY, self._most):
                return backoff(attempt) if retry_after is None else retry_after
            if sent >= self._eased:
                # What was sent before the last easing says nothing about it.
                self._limit = self._threshold = max(1.0, self._limit * _EASED)
                self._pause_for(retry_after, now, words)
            elif retry_after is not None:
                self._paused_until = max(self._paused_until, now + retry_after)
            return 0.0

    def failed(self, words: str) -> None:
        """An attempt met a server error, a time-out or no server; raises MissingRequirement for one that
        never worked, or has not for long."""
        with self._lock:
            now = self._clock.now()
            self._recent.append(False)
            self._failures += 1
            if self._failures < BREAK_AFTER:
                return
            if self._got_through is None:
                self._end(f"failed {self._failures} times in a row ({words})")
            if self._silent_for(now) > self._patience:
                self._end(f"has not worked for {self._patience / 60:.3g} minutes ({words})")
            if now >= self._paused_until:
                self._limit, self._threshold = 1.0, max(self._limit, self._threshold)
                self._pause_for(None, now, words)

    def _silent_for(self, now: float) -> float:
        last = self._began if self._got_through is None else self._got_through
        return 0.0 if last is None else now - last

    def _pause_for(self, told: float | None, now: float, words: str) -> None:
        self._pause = min(max(2 * self._pause, 2 * _FIRST), _LONGEST)
        seconds = self._pause * random.uniform(0.75, 1.0) if told is None else told
        self._paused_until, self._eased = now + seconds, now
        if self._pause >= 4 * _FIRST and now - self._told >= _TOLD_EVERY:
            self._told = now
            _LOG.warning(
                "%s is busy (%s); waiting %.0f s, and up to %.3g minutes as long as nothing gets through.",
                self._who, words, seconds, self._patience / 60,
            )  # fmt: skip

    def _end(self, why: str) -> None:
        error = MissingRequirement(
            f"{self._who} {why}; what is finished is kept, and the same command resumes."
        )
        self._finish(error)
        raise error

    def end(self, error: UserError) -> None:
        """Let no call begin any more: whoever waits gets `error`."""
        with self._lock:
            self._finish(error)

    def _finish(self, error: UserError) -> None:
        self._ended = self._ended or error
        self._stop.set()
        for *_, turn in self._waiting:
            turn.notify()
