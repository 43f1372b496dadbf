"""Serving the page on this machine, and on no other."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable

from copycat.annotate.app import create_app
from copycat.annotate.store import Store
from copycat.annotate.tasks import tasks
from copycat.errors import UserError
from copycat.runs.folder import RunFolder

HOST = "127.0.0.1"
THREADS = 8


def serve(
    folder: RunFolder,
    ready: Callable[[str], None],
    *,
    rater: str = "",
    port: int = 0,
    sample: int | None = None,
    seed: int = 0,
) -> None:
    """Take labels until interrupted; `ready` is given the address, which holds a fresh secret.

    Raises UserError for a run without pictures and a port in use, RunConflict when another process takes
    labels of the same run.
    """
    from waitress import create_server  # type: ignore[import-untyped]

    chosen = tasks(folder, sample, seed)
    with Store(folder.path).held(), socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError as e:
            raise UserError(f"Port {port} is in use; leave --port out to take a free one.") from e
        token = secrets.token_urlsafe(24)
        app = create_app(folder, chosen, token, rater=rater, seed=seed)
        server = create_server(app, sockets=[listener], threads=THREADS)
        ready(f"http://{HOST}:{listener.getsockname()[1]}/{token}/")
        try:
            server.run()
        finally:
            server.close()
