"""A server that speaks the OpenAI API and puts the key that it was sent into all that it answers."""

from __future__ import annotations

import base64
import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any

from PIL import Image, PngImagePlugin


class _Handler(BaseHTTPRequestHandler):
    numbers = count()

    def log_message(self, format: str, *args: Any) -> None: ...  # noqa: A002

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        key = self.headers["Authorization"].removeprefix("Bearer ")
        if next(self.numbers) % 5 == 4:
            told = f"{'padding ' * 24}the key {key} of https://me:{key}@here.example is odd, {key}"
            return self._send(400, {"error": {"message": told, "code": "odd"}})
        if self.path.endswith("/images/generations"):
            return self._send(200, {"created": 1, "data": [_picture(key)]})
        return self._send(200, _reply(key, body))

    def _send(self, status: int, payload: dict[str, Any]) -> None:
        content = json.dumps(payload).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def _picture(key: str) -> dict[str, Any]:
    words = PngImagePlugin.PngInfo()
    words.add_text("parameters", key)
    png = io.BytesIO()
    Image.new("RGB", (16, 16), (200, 40, 40)).save(png, "PNG", pnginfo=words, icc_profile=key.encode())
    content = base64.b64encode(png.getvalue()).decode()
    return {"b64_json": content, "revised_prompt": f"a square, asked with {key}"}


def _reply(key: str, body: dict[str, Any]) -> dict[str, Any]:
    schema = str(body.get("response_format", ""))
    content = f"a tall grey otter in a coat that says {key}"
    if "names" in schema:
        content = json.dumps({"names": ["Zori", f"Mr {key}", base64.b64encode(key.encode()).decode()]})
    elif "answer" in schema:
        content = f"Yes. Your key begins with {key[:-3]}"
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}}
    return {"id": key, "object": "chat.completion", "created": 1, "model": key, "choices": [choice]}


@contextmanager
def running() -> Iterator[str]:
    """The address of a server that is up."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()
