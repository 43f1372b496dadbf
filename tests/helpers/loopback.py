"""A server on this machine that speaks the OpenAI API and misbehaves when a prompt says so."""

from __future__ import annotations

import base64
import io
import json
import math
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from PIL import Image

from tests.helpers.batches import BatchDesk


class Loopback(ThreadingHTTPServer):
    """Remembers what it was asked; `behave` says what to do when a text holds a word."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[dict[str, Any]] = []
        self.behave: dict[str, str] = {}
        self.calls: Counter[str] = Counter()
        self.say: Callable[[dict[str, Any]], str] = lambda body: "a tall grey otter in a green raincoat"
        """What the chat model answers when no schema is asked for."""
        self.finish = "stop"
        """Why a chat reply ends."""
        self.usage: dict[str, Any] | None = None
        """What is said of the tokens of every answer."""
        self.desk = BatchDesk()
        """Takes batches, whose calls are answered like others."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


@contextmanager
def running() -> Iterator[Loopback]:
    server = Loopback()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def _error(code: str, message: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "code": code, "param": None}}


def _refusal(mood: str, *, first: bool) -> tuple[int, dict[str, Any]] | None:
    """Status and body of a call that gets no answer; None for one that does."""
    told = {
        "broken": (500, "server_error", "oops"),
        "refuse": (400, "content_policy_violation", "not that one"),
        "wrong": (400, "invalid_value", f"no such size (request {time.monotonic_ns()})"),
        "no key": (401, "invalid_api_key", "wrong key"),
        "no money": (429, "insufficient_quota", "pay first"),
    }
    if first:
        told["broken once"] = told["broken"]
        told["busy once"] = (429, "rate_limit_exceeded", "slow down")
    if mood not in told:
        return None
    status, code, message = told[mood]
    return status, _error(code, message)


class _Handler(BaseHTTPRequestHandler):
    server: Loopback

    def log_message(self, format: str, *args: Any) -> None: ...  # noqa: A002

    def do_GET(self) -> None:
        self._send_desk(b"")

    def do_DELETE(self) -> None:
        self._send_desk(b"")

    def _send_desk(self, content: bytes) -> None:
        def answer(body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
            text = body["prompt"] if "prompt" in body else body["messages"][-1]["content"][-1]["text"]
            mood = next((m for word, m in self.server.behave.items() if word in text), "")
            self.server.calls[text] += 1
            refused = _refusal(mood, first=self.server.calls[text] == 1)
            if refused:
                return refused
            usage = {"usage": self.server.usage} if self.server.usage else {}
            made = _images(mood) if "prompt" in body else _chat(mood, body, self.server)
            return 200, {**made, **usage}

        reply = self.server.desk.take(self.command, self.path, content, answer)
        if reply is None:
            self.close_connection = True
            return
        status, told = reply
        if isinstance(told, bytes):
            self._send_bytes(status, told)
        else:
            self._send(status, told)

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path.endswith(("/files", "/batches")):
            return self._send_desk(content)
        body = json.loads(content)
        self.server.asked.append(body)
        images = self.path.endswith("/images/generations")
        endpoint = "inputs" in body
        said = body.get("inputs") or body.get("prompt") or body["messages"][-1]["content"]
        text = said if isinstance(said, str) else said[-1]["text"]
        mood = next((m for word, m in self.server.behave.items() if word in text), "")
        self.server.calls[text] += 1
        first = self.server.calls[text] == 1
        if mood == "slow":
            time.sleep(3)
        if mood == "busy once" and first:
            return self._send(429, _error("rate_limit_exceeded", "slow down"), {"Retry-After": "0"})
        if mood == "no money" and endpoint:
            return self._send(402, _error("insufficient_quota", "pay first"))
        if refused := _refusal(mood, first=first):
            return self._send(*refused)
        if mood == "withhold":
            return self._send(400, {"error": "NSFW content was detected in the prompt"})
        if endpoint:
            negative = None if mood == "deaf" else body["parameters"].get("negative_prompt")
            return self._send_png(mood, len(negative or "") % 200)
        reply = _images(mood) if images else _chat(mood, body, self.server)
        return self._send(200, {**reply, **({"usage": self.server.usage} if self.server.usage else {})})

    def _send_png(self, mood: str, green: int) -> None:
        """A red picture, as green as the negative prompt is long."""
        png = io.BytesIO()
        colour = (0, 0, 0) if mood == "black" else (200, green, 40)
        Image.new("RGB", (16, 16), colour).save(png, format="PNG")
        content = png.getvalue()[: 40 if mood == "cut off" else None]
        self.send_response(200)
        self.send_header("Content-Type", "image/png")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _send(self, status: int, payload: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        self._send_bytes(status, json.dumps(payload).encode(), headers)

    def _send_bytes(self, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for k, v in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(k, v)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def _images(mood: str) -> dict[str, Any]:
    png = io.BytesIO()
    Image.new("RGB", (16, 16), (200, 40, 40)).save(png, format="PNG")
    content = base64.b64encode(png.getvalue()).decode()
    if mood == "cut off":
        content = content[: len(content) // 2 // 4 * 4]
    if mood == "empty":
        return {"created": 1, "data": []}
    revised = json.loads(mood.removeprefix("revise ")) if mood.startswith("revise ") else "a plain red square"
    return {"created": 1, "data": [{"b64_json": content, "revised_prompt": revised}]}


def _chat(mood: str, body: dict[str, Any], server: Loopback) -> dict[str, Any]:
    schema = body.get("response_format", {}).get("json_schema", {}).get("schema")
    content: str | None = '{"names": ["Zori"]}' if "names" in str(schema) else '{"answer": "yes"}'
    if "characters" in str(schema):
        content = '{"characters": [{"name": "Zori", "work": "Ninth Kettle"}]}'
    if schema is None:
        content = server.say(body)
    if mood.startswith("say "):
        content = mood.removeprefix("say ")
    if mood.startswith("send "):
        # Whatever JSON can hold, where a text belongs.
        content = json.loads(mood.removeprefix("send "))
    if mood == "not json":
        content = "Certainly! It is Zori."
    message = {"role": "assistant", "content": content, "refusal": None}
    if mood == "decline":
        message = {"role": "assistant", "content": None, "refusal": "I cannot look at that"}
    choice = {"index": 0, "finish_reason": server.finish, "message": message}
    if body.get("logprobs"):
        choice["logprobs"] = {"content": [_first_token(body)]}
    return {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}


def _first_token(body: dict[str, Any]) -> dict[str, Any]:
    """Probabilities of yes and no that change with what is shown."""
    p = 0.05 + 0.9 * (zlib.crc32(json.dumps(body["messages"]).encode()) % 1000) / 1000
    top = [{"token": t, "logprob": math.log(q), "bytes": None} for t, q in (("Yes", p), ("No", 0.96 - p))]
    return {**top[0], "top_logprobs": top}
