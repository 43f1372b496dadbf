"""The part of the loopback server that takes batches: files, and jobs that answer the calls in them."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Reply = tuple[int, dict[str, Any] | bytes]
Answer = Callable[[dict[str, Any]], tuple[int, dict[str, Any]]]
"""Status and body of the answer to one call's body."""


@dataclass
class BatchDesk:
    """Files and batches; what is set here says how the server behaves."""

    looks: int = 1
    """How often a batch is asked for before it has ended; a very large number for one that never ends."""
    ends: str = "completed"
    """How batches end; `expired` and `cancelled` with the first half answered."""
    refused: str = ""
    """Code with which the next batch is refused once its file is read."""
    none: bool = False
    """Whether there are no batches here."""
    lost: Counter[str] = field(default_factory=Counter)
    """How many of the next answers to `create` and `retrieve` are lost on their way."""
    keeps: bool = False
    """Whether nothing can be deleted here."""
    dropped: int = 0
    """Answers at the end of each batch that its files lack."""
    twice: bool = False
    """Whether each answer stands in the file twice, differing, beside lines that are none."""
    files: dict[str, bytes] = field(default_factory=dict)
    batches: dict[str, dict[str, Any]] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    """Method and path of every request."""

    def take(self, method: str, path: str, body: bytes, answer: Answer) -> Reply | None:
        """The reply to a request; None for one that is lost."""
        path = path.partition("?")[0].removeprefix("/v1")
        self.asked.append(f"{method} {path}")
        if self.none:
            return 404, {"error": {"message": "no such address", "code": None, "type": "x"}}
        name = path.split("/")[2] if path.count("/") > 1 else ""
        if path == "/files":
            return 200, self._file(_content(body))
        if method == "DELETE" and self.keeps:
            return 404, {"error": {"message": "no such address", "code": None, "type": "x"}}
        if method == "DELETE":
            self.deleted.append(name)
            return 200, {"id": name, "object": "file", "deleted": True}
        if path.startswith("/files/"):
            return 200, self.files[name]
        if path == "/batches" and method == "GET":
            return 200, {"object": "list", "data": list(self.batches.values()), "has_more": False}
        if path == "/batches":
            made = self._begin(json.loads(body))
            return self._unless_lost("create", made)
        if name not in self.batches:
            return 404, {"error": {"message": "no such batch", "code": None, "type": "x"}}
        return self._unless_lost("retrieve", self._look(name, answer))

    def calls(self) -> list[dict[str, Any]]:
        """The lines of all files that batches were begun of."""
        named = [b["input_file_id"] for b in self.batches.values()]
        return [json.loads(line) for name in named for line in self.files[name].splitlines()]

    def _unless_lost(self, what: str, reply: dict[str, Any]) -> Reply | None:
        if self.lost[what]:
            self.lost[what] -= 1
            return None
        return 200, reply

    def _file(self, content: bytes) -> dict[str, Any]:
        name = f"file-{len(self.files) + 1}"
        self.files[name] = content
        told = {"object": "file", "bytes": len(content), "created_at": 1, "filename": "f", "purpose": "batch"}
        return {"id": name, "status": "processed", **told}

    def _begin(self, told: dict[str, Any]) -> dict[str, Any]:
        name = f"batch-{len(self.batches) + 1}"
        status, errors = "in_progress", None
        if self.refused:
            status = "failed"
            errors = {"object": "list", "data": [{"code": self.refused, "message": "not like this"}]}
            self.refused = ""
        batch = {"id": name, "object": "batch", "created_at": 1, "status": status, "errors": errors, **told}
        self.batches[name] = {**batch, "looked": 0}
        return batch

    def _look(self, name: str, answer: Answer) -> dict[str, Any]:
        batch = self.batches[name]
        batch["looked"] += 1
        if batch["status"] == "in_progress" and batch["looked"] >= self.looks:
            batch.update(status=self.ends, **self._answered(batch["input_file_id"], answer))
        return batch

    def _answered(self, file: str, answer: Answer) -> dict[str, Any]:
        good, bad = list[bytes](), list[bytes]()
        calls = [json.loads(line) for line in self.files[file].splitlines()]
        reached = len(calls) if self.ends == "completed" else len(calls) // 2
        for i, call in enumerate(calls):
            told: dict[str, Any] = {"id": f"r{i}", "custom_id": call["custom_id"], "error": None}
            if i >= reached:
                error = {"code": "batch_expired", "message": "it was not reached in time"}
                bad.append(json.dumps({**told, "response": None, "error": error}).encode())
                continue
            status, body = answer(call["body"])
            line = {**told, "response": {"status_code": status, "request_id": "q", "body": body}}
            (good if status == 200 else bad).append(json.dumps(line).encode())
        good = good[: len(good) - self.dropped]
        if self.twice:
            other = re.compile(rb"yes|Zori")
            good = [b"{", b"[]", b'{"custom_id": 5}', *good, *(other.sub(b"no", line) for line in good)]
        # In an order of its own, as providers answer.
        names = [self._file(b"\n".join(reversed(lines)))["id"] if lines else None for lines in (good, bad)]
        return {"output_file_id": names[0], "error_file_id": names[1]}


def _content(body: bytes) -> bytes:
    """The file in a form that is sent as `multipart/form-data`."""
    boundary = body[: body.index(b"\r\n")]
    part = next(p for p in body.split(boundary) if b'name="file"' in p)
    return part.split(b"\r\n\r\n", 1)[1].removesuffix(b"\r\n")
