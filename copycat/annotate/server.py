"""Serving the page on this machine, until Ctrl-C."""

from __future__ import annotations

import errno
import logging
import secrets
from collections.abc import Callable
from urllib.parse import quote

import waitress

from copycat.annotate.answers import Answers, rater_name
from copycat.annotate.app import create_app
from copycat.annotate.desk import Desk
from copycat.annotate.guard import LARGEST_BODY
from copycat.annotate.tasks import Task
from copycat.errors import UserError
from copycat.runs.data import RunData

HOST = "127.0.0.1"


def serve(
    asked: tuple[Task, ...],
    answers: Answers,
    run: RunData,
    *,
    seed: int = 0,
    port: int = 0,
    rater: str | None = None,
    ready: Callable[[str], None],
) -> None:
    """Ask about pictures of `run` on this machine until Ctrl-C; `ready` is told the address, token and all.

    Port 0 takes a free one. Raises UserError for a port that cannot be had, and RunConflict where another
    process serves the same run.
    """
    token = secrets.token_urlsafe(24)
    page = f"label?rater={quote(rater_name(rater))}" if rater is not None else ""
    # What it warns of, more requests than threads, is nothing that a rater could put right.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    with answers.exclusive():
        app = create_app(Desk(asked, answers, run, seed=seed, key=token), token)
        try:
            # The server reads a body before the application sees who sent it, so it is what bounds that.
            server = waitress.create_server(
                app,
                host=HOST,
                port=port,
                threads=8,
                ident=None,
                max_request_body_size=LARGEST_BODY + 1,
                max_request_header_size=LARGEST_BODY,
            )
        except OSError as e:
            if e.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            why = "in use" if e.errno == errno.EADDRINUSE else "not allowed here"
            raise UserError(f"Port {port} is {why}; name another with --port, or leave it out.") from e
        try:
            ready(f"http://{HOST}:{server.effective_port}/{token}/{page}")
            # Returns on Ctrl-C, once the requests in hand are answered.
            server.run()
        except KeyboardInterrupt:
            pass
        finally:
            server.close()
