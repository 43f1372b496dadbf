"""A provider on this machine as providers are: slow now and then, limited, and failing in all ways."""

from __future__ import annotations

import asyncio
import json
import random
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from copycat.io.hosted.pace import Clock


class FastClock(Clock):
    """A clock that runs so many times faster."""

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed

    def now(self) -> float:
        return time.monotonic() * self.speed

    def real(self, seconds: float) -> float:
        return seconds / self.speed


@dataclass
class Provider:
    """Speaks the OpenAI chat API; a question is known by its text, which is the last of its message."""

    latency: float = 0.02
    """Seconds of an answer; one in ten takes `slow` times as long."""
    slow: float = 1.0
    errors: float = 0.0
    """Share of attempts that end in 429, 500 or nothing at all, a third each."""
    at_once: int | None = None
    """Answers in the making at a time, above which there is a 429."""
    a_minute: int | None = None
    """Answers a minute, above which there is a 429 without Retry-After."""
    down: bool = False
    """Whether every attempt is closed without an answer."""
    moods: dict[str, str] = field(default_factory=dict)
    """By a word of the question: `stall` (headers, and then nothing) or `drip` (a byte now and then), or
    the status, code and message of an error."""
    clock: Clock = field(default_factory=Clock)
    url: str = ""
    asked: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    busy: float = 0.0
    """Seconds that attempts took in all, those that got nothing until the client hung up included."""
    began: float | None = None
    last_new: float = 0.0
    """When a question came that had not come before, and `busy` at that time is `busy_by_then`."""
    busy_by_then: float = 0.0
    now_busy: int = 0
    most_busy: int = 0
    cut: int = 0
    """Attempts at which the client hung up."""
    chance: random.Random = field(default_factory=lambda: random.Random(7))
    recent: deque[float] = field(default_factory=deque)
    _counted: float = 0.0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, which is kept open for the next attempt."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                length = int(head.split("content-length:")[1].split("\r\n")[0])
                body = json.loads(await reader.readexactly(length))
                self.count(1)
                self.most_busy = max(self.most_busy, self.now_busy)
                try:
                    await self.answer(body, reader, writer)
                finally:
                    self.count(-1)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def answer(
        self, body: dict[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        said = body["messages"][-1]["content"]
        text = said if isinstance(said, str) else said[-1]["text"]
        if text not in self.asked:
            self.last_new, self.busy_by_then = time.monotonic(), self.busy
        self.asked[text] += 1
        mood = next((m for word, m in self.moods.items() if word in text), "")
        if self.down:
            raise ConnectionResetError
        if mood == "stall":
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{")
            return await self.wait_for_hang_up(reader)
        if mood == "drip":
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n")
            for _ in range(500):
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.01)
            return None
        if mood:
            status, code, message = mood.split(" ", 2)
            return self.send(writer, int(status), _error(code, message))
        if self.at_once is not None and self.now_busy > self.at_once:
            return self.send(writer, 429, _error("rate_limit_exceeded", "too many at once"))
        if self.a_minute is not None and not self.let_through():
            return self.send(writer, 429, _error("rate_limit_exceeded", "so many a minute"))
        if self.chance.random() < self.errors:
            kind = self.chance.randrange(3)
            if kind == 2:
                return await self.wait_for_hang_up(reader)
            await asyncio.sleep(self.clock.real(self.latency))
            return self.send(writer, (429, 500)[kind], _error("server_error", "by chance"))
        slow = self.slow if self.chance.random() < 0.1 else 1.0
        await asyncio.sleep(self.clock.real(self.latency * slow))
        self.answered[text] += 1
        schema = json.dumps(body.get("response_format", {}))
        content = '{"names": ["Zori"]}' if "names" in schema else '{"answer": "yes"}'
        if "characters" in schema:
            content = '{"characters": [{"name": "Zori", "work": "Tiny"}]}'
        message = {"role": "assistant", "content": content, "refusal": None}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        usage = {"prompt_tokens": 11, "completion_tokens": 3, "total_tokens": 14}
        reply = {"id": "1", "object": "chat.completion", "created": 1, "model": "m-2026", "usage": usage}
        return self.send(writer, 200, {**reply, "choices": [choice]})

    def count(self, more: int) -> None:
        """Attempts in hand have become more, or fewer."""
        now = time.monotonic()
        self.began = self.began or now
        self.busy += self.now_busy * (now - self._counted) if self._counted else 0.0
        self._counted = now
        self.now_busy += more

    async def wait_for_hang_up(self, reader: asyncio.StreamReader) -> None:
        if await reader.read(1) == b"":
            self.cut += 1
        raise ConnectionResetError

    def let_through(self) -> bool:
        now = self.clock.now()
        while self.recent and self.recent[0] <= now - 60:
            self.recent.popleft()
        if len(self.recent) >= (self.a_minute or 0):
            return False
        self.recent.append(now)
        return True

    def send(self, writer: asyncio.StreamWriter, status: int, payload: dict[str, Any]) -> None:
        self.statuses[status] += 1
        content = json.dumps(payload).encode()
        head = (
            f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
        )
        writer.write(head.encode() + content)


def _error(code: str, message: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "code": code, "param": None}}


@contextmanager
def providing(provider: Provider) -> Iterator[Provider]:
    """`provider` answers at its `url`."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(provider.serve, "127.0.0.1", 0, backlog=1000))
    provider.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:

        async def end() -> None:
            server.close()
            running = asyncio.all_tasks() - {asyncio.current_task()}
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
