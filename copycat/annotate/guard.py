"""Who may talk to the page: this machine's browsers that know its address, and no other page in them."""

from __future__ import annotations

import hmac
from urllib.parse import urlsplit

from flask import Flask, Response, abort, request

HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
"""Names under which a browser reaches this machine, through a tunnel too. Any other name in the header Host
is that of a page that points its own name here (DNS rebinding)."""
LARGEST_BODY = 16 * 1024
WANTED = "This needs the whole address that `copycat annotate` printed when it was last started."
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


def guard(app: Flask, token: str) -> None:
    """Refuse with 403, before anything else, whatever lacks `token` as the first part of its path.

    The token is kept in the path and in no cookie, so a request that another page makes cannot carry it;
    what changes something must besides come from this very page and be JSON.
    """
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY

    @app.before_request
    def admit() -> None:
        given = request.path.split("/")[1] if request.path.startswith("/") else ""
        if not hmac.compare_digest(given.encode(), token.encode()):
            abort(403, WANTED)
        host = request.headers.get("Host", "")
        if _hostname(host) not in HOSTS:
            abort(403)
        if request.method not in ("GET", "HEAD", "OPTIONS"):
            site = request.headers.get("Sec-Fetch-Site", "same-origin")
            if site != "same-origin" or request.headers.get("Origin", f"http://{host}") != f"http://{host}":
                abort(403)
            if not request.is_json:
                abort(415)

    @app.after_request
    def harden(response: Response) -> Response:
        response.headers.extend(HEADERS)
        response.headers.setdefault("Cache-Control", "no-store")
        return response


def _hostname(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None
