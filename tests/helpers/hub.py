"""A hub of datasets on this machine: the few routes that the real client asks."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

TOKEN = "hf_right"

Tree = dict[str, bytes]


class Hub(ThreadingHTTPServer):
    """Keeps every commit of every dataset; refuses what it is told to."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.commits: dict[str, list[tuple[str, Tree]]] = {}
        """Of each dataset its commits, oldest first."""
        self.forbid: int | None = None
        """The status that everything is answered with."""
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def tree(self, repository: str, revision: str) -> tuple[str, Tree] | None:
        commits = self.commits.get(repository, [])
        if revision == "main" and commits:
            return commits[-1]
        return next((c for c in commits if c[0] == revision), None)


@contextmanager
def running() -> Iterator[Hub]:
    server = Hub()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None: ...  # noqa: A002

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self._begin()
        if path is None:
            return
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._send(401, {"error": "Invalid username or password."})
        elif path == "/api/repos/create":
            self._create(json.loads(body))
        elif path == "/api/validate-yaml":
            self._send(200, {"errors": [], "warnings": []})
        elif m := re.fullmatch(r"/api/datasets/([^/]+/[^/]+)/preupload/main", path):
            files = [f["path"] for f in json.loads(body)["files"]]
            told = [{"path": f, "uploadMode": "regular", "shouldIgnore": False} for f in files]
            self._send(200, {"files": told})
        elif m := re.fullmatch(r"/api/datasets/([^/]+/[^/]+)/commit/main", path):
            self._commit(m[1], body)
        else:
            self._send(404, {"error": "no such route"})

    def _create(self, asked: dict[str, Any]) -> None:
        name = f"{asked['organization']}/{asked['name']}"
        known = name in self.server.commits
        self.server.commits.setdefault(name, [("0" * 40, {})])
        url = f"{self.server.url}/datasets/{name}"
        self._send(409 if known else 200, {"url": url, "name": name, "id": name})

    def _commit(self, repository: str, body: bytes) -> None:
        _, before = self.server.commits[repository][-1]
        tree = dict(before)
        for line in body.splitlines():
            told = json.loads(line)
            value = told["value"]
            if told["key"] == "file":
                assert value["encoding"] == "base64"
                tree[value["path"]] = base64.b64decode(value["content"])
            elif told["key"] == "deletedFile":
                del tree[value["path"]]
        commit = hashlib.sha1(body, usedforsecurity=False).hexdigest()
        self.server.commits[repository].append((commit, tree))
        url = f"{self.server.url}/datasets/{repository}/commit/{commit}"
        self._send(200, {"success": True, "commitOid": commit, "commitUrl": url, "hookOutput": ""})

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self._begin()
        if path is None:
            return
        if m := re.fullmatch(r"/api/datasets/([^/]+/[^/]+)(?:/revision/([^/]+)|/tree/([^/]+))?", path):
            found = self._found(m[1], m[2] or m[3] or "main")
            if found:
                commit, tree = found
                files = [{"type": "file", "path": p, "size": len(c), "oid": _oid(c)} for p, c in tree.items()]
                siblings = [{"rfilename": p} for p in tree]
                self._send(200, files if m[3] else {"id": m[1], "sha": commit, "siblings": siblings})
        elif m := re.fullmatch(r"/datasets/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            found = self._found(m[1], m[2])
            if found and m[3] in found[1]:
                content = found[1][m[3]]
                self._raw(200, content, {"X-Repo-Commit": found[0], "ETag": f'"{_oid(content)}"'})
            elif found:
                self._send(404, {"error": "no such file"}, {"X-Error-Code": "EntryNotFound"})
        else:
            self._send(404, {"error": "no such route"})

    def _found(self, repository: str, revision: str) -> tuple[str, Tree] | None:
        found = self.server.tree(repository, revision)
        if found is None:
            code = "RevisionNotFound" if repository in self.server.commits else "RepoNotFound"
            self._send(404, {"error": code}, {"X-Error-Code": code})
        return found

    def _begin(self) -> str | None:
        """The path asked for; None where it has been refused."""
        path = unquote(urlsplit(self.path).path)
        self.server.asked.append(f"{self.command} {path}")
        if self.server.forbid:
            self._send(self.server.forbid, {"error": "refused"})
            return None
        return path

    def _send(self, status: int, payload: Any, headers: dict[str, str] | None = None) -> None:
        self._raw(
            status, json.dumps(payload).encode(), {"Content-Type": "application/json", **(headers or {})}
        )

    def _raw(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def _oid(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
