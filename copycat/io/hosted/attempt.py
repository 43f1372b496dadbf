"""One attempt, with a time limit that holds whatever the server does.

A client's own time-outs are between two bytes, so a server that sends one now and then could hold a call for
ever. Here calls run in an event loop, where one that takes too long is cancelled and its connection closed.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


class EventLoop:
    """An event loop in a thread of its own, started with the first attempt; any thread may use it."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._starting = threading.Lock()

    def attempt(self, send: Callable[[], Awaitable[T]], seconds: float) -> T:
        """What `send` gives. Raises TimeoutError when it takes longer than `seconds`, and what it raises."""

        async def limited() -> T:
            async with asyncio.timeout(seconds):
                return await send()

        try:
            return self._run(limited())
        except TimeoutError as e:
            raise TimeoutError(str(e) or f"no whole answer within {seconds:g} s") from e

    def close(self, then: Callable[[], Awaitable[None]] | None = None) -> None:
        """Cancel what still runs, await `then`, and end the thread; a later attempt would start another."""
        with self._starting:
            loop, self._loop = self._loop, None
        if loop is None:
            return

        async def end() -> None:
            running = asyncio.all_tasks() - {asyncio.current_task()}
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            if then is not None:
                await then()

        asyncio.run_coroutine_threadsafe(end(), loop).result()
        loop.call_soon_threadsafe(loop.stop)

    def _run(self, task: Coroutine[Any, Any, T]) -> T:
        with self._starting:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=_serve, args=(self._loop,), daemon=True).start()
            running = asyncio.run_coroutine_threadsafe(task, self._loop)
        return running.result()


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.close()


async def in_thread(work: Callable[[], T]) -> T:
    """What `work`, which blocks, gives; for clients that have no other form.

    When the attempt is cancelled its thread is left behind: it ends by itself once the server is silent for
    the client's own time-out or closes the connection, and nothing waits for it.
    """
    loop = asyncio.get_running_loop()
    found: asyncio.Future[T] = loop.create_future()

    def settle(value: T | None, error: BaseException | None) -> None:
        if found.done():  # too late
            return
        if error is not None:
            found.set_exception(error)
        else:
            found.set_result(value)  # type: ignore[arg-type]  # it has a value where there is no error

    def run() -> None:
        try:
            value, error = work(), None
        except Exception as e:  # noqa: BLE001  raised again where it is awaited
            value, error = None, e
        with suppress(RuntimeError):  # the loop has been closed meanwhile
            loop.call_soon_threadsafe(settle, value, error)

    # Not of the loop's pool, which is small and which the interpreter would wait for at its end.
    threading.Thread(target=run, daemon=True).start()
    return await found
