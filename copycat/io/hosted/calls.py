"""The one way in which hosted models are called: limits, attempts, waiting, and what is said of an answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from copycat.errors import CopycatError, MissingRequirement, UserError
from copycat.io.hosted.api import Api
from copycat.io.hosted.attempt import EventLoop
from copycat.io.hosted.failures import Failure, classify
from copycat.io.hosted.pace import Clock, Pace, backoff
from copycat.io.words import whole

Item = TypeVar("Item")
Answer = TypeVar("Answer")
T = TypeVar("T")
_TRIES = 20
"""Rate limits that one call may meet while others get through, before its own `patience` counts."""
_MOST_TOKENS = 10**9
"""More than any call has; a server that tells more tells nothing."""


@dataclass(frozen=True)
class Told:
    """What a provider said of an answer; None where it said nothing."""

    model: str | None = None
    """What it calls the model that answered."""
    finish_reason: str | None = None
    input_tokens: int | None = None
    cached_tokens: int | None = None
    """Those of the input that it had in its cache."""
    output_tokens: int | None = None
    attempts: int = 1
    """The last one included."""

    @classmethod
    def read(cls, reply: Any, attempts: int) -> Told:
        """From the reply of either API of OpenAI; of anything else only the attempts are known."""
        usage = getattr(reply, "usage", None)
        choices = getattr(reply, "choices", None)
        choice = choices[0] if isinstance(choices, list) and choices else None
        kinds = (getattr(usage, f"{word}_tokens_details", None) for word in ("prompt", "input"))
        details = next((found for found in kinds if found is not None), None)

        def tokens(*names: str, of: Any = usage) -> int | None:
            found = (getattr(of, name, None) for name in names)
            return next((n for n in found if isinstance(n, int) and 0 <= n <= _MOST_TOKENS), None)

        return cls(
            model=_text(getattr(reply, "model", None)),
            finish_reason=_text(getattr(choice, "finish_reason", None)),
            input_tokens=tokens("prompt_tokens", "input_tokens"),
            cached_tokens=tokens("cached_tokens", of=details),
            output_tokens=tokens("completion_tokens", "output_tokens"),
            attempts=attempts,
        )


def _text(value: object) -> str | None:
    return whole(value) if isinstance(value, str) else None


@dataclass(frozen=True)
class Answered(Generic[T]):
    """A reply, and what was said of it."""

    reply: T
    told: Told


class Meter:
    """Asked before every attempt and told after it; this one counts nothing.

    The place for a budget. Methods are called from several threads.
    """

    def before(self, estimate: object) -> object:
        """Called when an attempt is about to be sent; `estimate` is what the caller knows of its cost.

        Returns a ticket for :meth:`after`. A UserError that it raises reaches the caller; nothing is sent.
        """
        return estimate

    def after(self, ticket: object, told: Told | None, failure: Failure | None) -> None:
        """Called when that attempt is over: with what was said of the answer, or why there is none.

        A failure that is `perhaps_billed` may have been worked on all the same; so may an attempt with
        neither, which was broken off here.
        """


class Calls:
    """Calls to one model: so many at a time, repeated where that can help, and none any more once none can.

    Threads share it; what one of them learns about a server's limits all of them keep to.
    """

    def __init__(
        self,
        api: Api,
        who: str,
        at_a_time: int,
        *,
        hang_up: Callable[[], Awaitable[None]] | None = None,
        clock: Clock | None = None,
    ) -> None:
        """`who` is named in messages ("The judge gpt-4o"); `hang_up` closes the client; at most
        `at_a_time` calls are in flight, unless `api` says how many."""
        self._api, self._who, self._hang_up = api, who, hang_up
        self.at_a_time = api.concurrency or at_a_time
        self._clock = clock or Clock()
        self._pace = Pace(self.at_a_time, who, api.patience, self._clock)
        self._loop = EventLoop()
        self._ended_by: UserError | None = None
        self.meter = Meter()

    def call(
        self, send: Callable[[], Awaitable[T]], estimate: object = None, *, retries: int | None = None
    ) -> Answered[T]:
        """What `send` gives, which is one request and is sent again where that can help, after failures at
        most `retries` times, by default as often as the card says.

        Raises MissingRequirement when no further call can succeed (a wrong key, no money, no model, a server
        that is down), after which nothing is sent any more; else what the last attempt raised, with a note
        on the attempts.
        """
        began, failures, limits, first_limit = self._clock.now(), 0, 0, 0.0
        since = began
        while True:
            with self._pace.turn(since) as sent:
                ticket = self.meter.before(estimate)
                told: Told | None = None
                failure: Failure | None = None
                try:
                    reply = self._loop.attempt(send, self._clock.real(self._api.timeout))
                except CopycatError:
                    raise
                except Exception as e:  # noqa: BLE001  what a client raises is told apart below
                    error, failure = e, classify(e)
                else:
                    self._pace.answered()
                    told = Told.read(reply, failures + limits + 1)
                    return Answered(reply, told)
                finally:
                    # Whatever happened: a call that nobody ends would be waited for by the others.
                    self.meter.after(ticket, told, failure)
            if failure.kind == "fatal":
                raise self._end(failure) from error
            if failure.kind == "permanent":
                self._pace.answered()
                raise error
            if failure.kind == "rate_limit":
                limits += 1
                first_limit = first_limit if limits > 1 else sent
                wait = self._pace.limited(sent, failure.retry_after, limits, failure.words)
                given_up = limits >= _TRIES and self._clock.now() - first_limit > self._api.patience
            else:
                failures += 1
                self._pace.failed(failure.words)
                # To the end of the queue: all try a server that is down, and none uses up its attempts.
                since = self._clock.now()
                wait = backoff(failures) if failure.retry_after is None else failure.retry_after
                given_up = failures > (self._api.retries if retries is None else retries)
            if given_up:
                seconds = self._clock.now() - began
                error.add_note(f"given up after {failures + limits} attempts in {seconds:.0f} s")
                raise error
            self._pace.rest(wait)

    def map(
        self, call: Callable[[Item], Answer], items: Sequence[Item], failed: Callable[[Item, str], Answer]
    ) -> list[Answer]:
        """`call` on each item, in order; `failed` stands for an item that came when no call could succeed.

        Raises that when nothing succeeded, or at the next call of `map`: answers of the same batch, which
        were paid for, are handed over first.
        """
        if self._ended_by:
            raise self._ended_by
        if len(items) == 1:
            return [call(items[0])]
        answered = 0

        def one(item: Item) -> Answer:
            nonlocal answered
            try:
                answer = call(item)
            except UserError as e:  # a budget's too
                self._ended_by = e
                return failed(item, str(e))
            answered += 1
            return answer

        # More threads than calls in flight, so that those that wait for another attempt hold nobody up.
        with ThreadPoolExecutor(threads_for(self.at_a_time)) as pool:
            answers = list(pool.map(one, items))
        if self._ended_by and not answered:
            raise self._ended_by
        return answers

    def stop(self) -> None:
        """Begin no further attempt: whoever waits for one is told. What is in flight goes on."""
        self._pace.end(MissingRequirement(f"{self._who} is not called any more."))

    def close(self) -> None:
        """Cancel what is in flight and close the client; whoever waits is told."""
        self.stop()
        self._loop.close(self._hang_up)

    def _end(self, failure: Failure) -> MissingRequirement:
        error = MissingRequirement(
            f"{self._who} cannot be used ({failure.words}); what is finished is kept, and the same command "
            "resumes."
        )
        self._pace.end(error)
        return error


def threads_for(at_a_time: int) -> int:
    """Threads that keep `at_a_time` calls in flight while others wait for another attempt."""
    return 2 * at_a_time
