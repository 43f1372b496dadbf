"""A server of one's own on this machine, that really runs the menagerie's judge and model behind the HTTP
interface of vLLM and SGLang, and can be told to misbehave."""

from __future__ import annotations

import base64
import io
import json
import math
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from unittest.mock import patch

import torch
from PIL import Image
from transformers import AutoModelForImageTextToText

from copycat.cards.models import load_card
from copycat.cli.main import main
from copycat.generators.base import load_generator
from copycat.io.paths import DATA
from copycat.judges.processors import load_processor
from copycat.records import Request, Sampling

JUDGE, MODEL = "menagerie-judge", "menagerie-generator"
"""What the two are called at the server."""


@cache
def _processor() -> Any:
    return load_processor(str(DATA / "menagerie/judge"), "main")


@cache
def _judge() -> Any:
    # In the precision of the card.
    found = AutoModelForImageTextToText.from_pretrained(DATA / "menagerie/judge", dtype=torch.float32)
    return found.eval()


@cache
def _generator() -> Any:
    return load_generator(load_card("menagerie"), "cpu")


@dataclass
class Served:
    """What is served, and how it misbehaves."""

    models: tuple[str, ...] = (JUDGE, MODEL)
    """Those that `/v1/models` lists; without any it does not know that address."""
    pictures: Literal["seen", "ignored", "refused"] = "seen"
    logprobs: bool = True
    most_logprobs: int = 20
    key: str = ""
    """What a client must send as its key, where that is asked for."""
    ignored: frozenset[str] = frozenset()
    """Fields of a request for a picture that change nothing."""
    broken: bool = False
    """Whether every request for a picture ends in an error."""
    asked: list[dict[str, Any]] = field(default_factory=list)
    """The bodies of all requests."""
    url: str = ""
    _one: threading.Lock = field(default_factory=threading.Lock)
    _drawn: int = 0

    def chat(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if self.models and body["model"] not in self.models:
            return 404, _error(f"The model `{body['model']}` does not exist.")
        content = body["messages"][0]["content"]
        shown = [_opened(c["image_url"]["url"]) for c in content if c["type"] == "image_url"]
        if shown and self.pictures == "refused":
            return 400, _error(f"{body['model']} is not a multimodal model")
        if body.get("top_logprobs", 0) > self.most_logprobs:
            return 400, _error(f"at most {self.most_logprobs} top_logprobs are given")
        if self.pictures == "ignored":
            shown = []
        text = " ".join(c["text"] for c in content if c["type"] == "text")
        with self._one, torch.inference_mode():
            inputs = self._inputs(shown, text)
            start = inputs["input_ids"].shape[1]
            written = _judge().generate(**inputs, max_new_tokens=body["max_tokens"], do_sample=False)
            logits = _judge()(**inputs).logits[0, -1].float()
        tokenizer = _processor().tokenizer
        reply = tokenizer.decode(written[0, start:], skip_special_tokens=True).strip()
        cut_off = tokenizer.eos_token_id not in written[0, start:].tolist()
        choice: dict[str, Any] = {
            "index": 0, "message": {"role": "assistant", "content": reply},
            "finish_reason": "length" if cut_off else "stop", "logprobs": None,
        }  # fmt: skip
        if body.get("logprobs") and self.logprobs:
            found = torch.log_softmax(logits, -1).topk(body["top_logprobs"])
            top = [
                {"token": t, "logprob": max(p, -9999.0), "bytes": list(t.encode())}
                for t, p in zip(map(tokenizer.decode, found.indices), found.values.tolist(), strict=True)
            ]
            choice["logprobs"] = {"content": [{**top[0], "top_logprobs": top}]}
        return 200, {
            "id": "1", "object": "chat.completion", "created": 1, "model": body["model"], "choices": [choice],
        }  # fmt: skip

    def _inputs(self, shown: list[Image.Image], text: str) -> Any:
        pictures = [{"type": "image", "image": p} for p in shown]
        message = {"role": "user", "content": [*pictures, {"type": "text", "text": text}]}
        return _processor().apply_chat_template(
            [[message]], tokenize=True, add_generation_prompt=True, return_dict=True, return_tensors="pt"
        )

    def draw(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if self.broken:
            return 400, _error("no such size")
        self._drawn += 1
        obeyed = {k: v for k, v in body.items() if k not in self.ignored}
        width, height = map(int, body["size"].split("x"))
        sampling = Sampling(
            steps=obeyed.get("num_inference_steps", 4), guidance=obeyed.get("guidance_scale", 4.0),
            height=height, width=width,
        )  # fmt: skip
        request = Request(
            model=MODEL, character="", prompt_set="", run_seed=0, mitigation="", source_prompt="",
            prompt=body["prompt"], negative=obeyed.get("negative_prompt") or "", sampling=sampling,
            # Without a seed every picture is another one.
            seed=obeyed.get("seed", 10**6 + self._drawn),
        )  # fmt: skip
        with self._one:
            (outcome,) = _generator().generate([request.with_id()])
        png = io.BytesIO()
        outcome.image.save(png, format="PNG")
        return 200, {"created": 1, "data": [{"b64_json": base64.b64encode(png.getvalue()).decode()}]}


def _opened(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))).convert("RGB")


def _error(message: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": "BadRequestError", "code": 400, "param": None}}


@contextmanager
def one_thread() -> Iterator[None]:
    """Sums in one thread: models this small gain nothing by more, and lose much on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def serving(served: Served) -> Iterator[Served]:
    """`served` answers at its `url`."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None: ...  # noqa: A002

        def do_GET(self) -> None:
            listed = [{"id": m, "object": "model", "created": 1, "owned_by": "me"} for m in served.models]
            self._send(*((200, {"object": "list", "data": listed}) if listed else (404, {"detail": "?"})))

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            served.asked.append(body)
            self._send(
                *(served.draw(body) if self.path.endswith("/images/generations") else served.chat(body))
            )

        def _send(self, status: int, payload: dict[str, Any]) -> None:
            if served.key and self.headers.get("Authorization") != f"Bearer {served.key}":
                status, payload = 401, _error("no such key")
            content = json.dumps(payload).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    served.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with one_thread():
            yield served
    finally:
        server.shutdown()
        server.server_close()


def listed(*tokens: tuple[str, float], sent: bool = True) -> dict[str, Any]:
    """The first place of an answer with these tokens and probabilities, as servers send it."""
    top = [
        {"token": t, "logprob": math.log(p), **({"bytes": list(t.encode())} if sent else {})}
        for t, p in tokens
    ]
    return {"content": [{**top[0], "top_logprobs": top}]}


def program(*arguments: str) -> object:
    """The exit code of `copycat` with these arguments, run in this process."""
    with patch.object(sys, "argv", ["copycat", *arguments]):
        try:
            main()
        except SystemExit as e:
            return e.code or 0
    return 0
