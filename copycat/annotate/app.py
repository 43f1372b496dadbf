"""The web application: everything lies below a secret path, and answers are taken as JSON."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import asdict
from functools import cache
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, abort, jsonify, render_template, request, send_file
from pydantic import ValidationError

from copycat.annotate.store import Store
from copycat.annotate.tasks import Task, order
from copycat.labels import Label
from copycat.paths import DATA
from copycat.runs.folder import RunFolder

LONGEST_NAME = 60
REFERENCES = 4
"""Reference pictures shown beside a picture."""
NOBODY = "none"
_POLICY = (
    "default-src 'none'; img-src 'self' data:; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
)


def create_app(
    folder: RunFolder, chosen: tuple[Task, ...], token: str, *, rater: str = "", seed: int = 0
) -> Flask:
    """The application for one run. `token` is the first part of every path; without it there is nothing.

    What is sent tells nothing of mitigation, prompt, seed or verdict: pictures have names made of the
    token, and raters get the same pictures in orders of their own.
    """
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = 64 * 1024
    store, registry = Store(folder.path), folder.registry()

    def secret(text: str) -> str:
        return hmac.new(token.encode(), text.encode(), hashlib.sha256).hexdigest()[:24]

    known = {secret(f"{t.character}|{t.file}"): t for t in chosen}
    ids = {t: i for i, t in known.items()}
    pictures = {i: folder.path / t.file for i, t in known.items()}
    for c in {t.character for t in chosen}:
        for file in registry[c].references[:REFERENCES]:
            pictures[secret(f"reference|{file}")] = DATA / file
    mine = cache(lambda who: order(chosen, who, seed))

    @app.before_request
    def _guard() -> None:
        # A name that another site had pointed at this machine would not be one of these.
        if request.host.rpartition(":")[0] not in {"127.0.0.1", "localhost"}:
            abort(HTTPStatus.FORBIDDEN)
        given = request.path.split("/", 2)[1]
        if not hmac.compare_digest(given.encode(), token.encode()):
            abort(HTTPStatus.FORBIDDEN)

    @app.after_request
    def _close(response: Response) -> Response:
        response.headers.update(
            {
                "Content-Security-Policy": _POLICY,
                "X-Content-Type-Options": "nosniff",
                "Referrer-Policy": "no-referrer",
                "Cache-Control": "no-store",
            }
        )
        return response

    @app.get("/<_token>/")
    def page(_token: str) -> str:
        people = [{"slug": c.slug, "name": c.name} for c in registry.characters]
        return render_template(
            "annotate.html", people=people, rater=rater, longest=LONGEST_NAME, total=len(chosen)
        )

    @app.get("/<_token>/static/<name>")
    def asset(_token: str, name: str) -> Response:
        return app.send_static_file(name)

    @app.get("/<_token>/picture/<picture>")
    def picture(_token: str, picture: str) -> Response:
        path = pictures.get(picture)
        if path is None or not path.is_file():
            abort(HTTPStatus.NOT_FOUND)
        return send_file(path.resolve())

    @app.post("/<_token>/task")
    def task(_token: str) -> Response:
        body = _body()
        return jsonify(_shown(_rater(body), body.get("at")))

    @app.post("/<_token>/answer")
    def answer(_token: str) -> Response:
        body = _body()
        who, asked = _rater(body), known.get(str(body.get("id")))
        if asked is None:
            abort(HTTPStatus.NOT_FOUND)
        saw = str(body.get("saw") or "")
        if saw and saw != NOBODY and saw not in {c.slug for c in registry.characters}:
            abort(HTTPStatus.BAD_REQUEST)
        try:
            label = Label(
                image=asked.file,
                sha256=asked.sha256,
                character=asked.character,
                rater=who,
                label=body.get("label"),
                saw=saw,
                confidence=body.get("confidence"),
            )
        except ValidationError:
            abort(HTTPStatus.BAD_REQUEST)
        store.add(label)
        return jsonify(_shown(who, None))

    @app.get("/<_token>/agreement")
    def agreement(_token: str) -> Response:
        return jsonify(asdict(store.together()))

    def _body() -> dict[str, Any]:
        # Only this page sends JSON: a form of another site cannot.
        body = request.get_json()
        if not isinstance(body, dict):
            abort(HTTPStatus.BAD_REQUEST)
        return body

    def _rater(body: dict[str, Any]) -> str:
        who = " ".join(str(body.get("rater") or "").split())
        if not who or len(who) > LONGEST_NAME or not who.isprintable():
            abort(HTTPStatus.BAD_REQUEST)
        return who

    def _shown(who: str, at: object) -> dict[str, Any]:
        """The picture at place `at` of a rater's order, or the first one not answered."""
        queue = mine(who)
        answers = {(x.image, x.character): x for x in store.labels() if x.rater == who}
        said = [answers.get((t.file, t.character)) for t in queue]
        done = sum(x is not None for x in said)
        place = at if isinstance(at, int) and 0 <= at < len(queue) else _first_open(said)
        told: dict[str, Any] = {"done": done, "total": len(queue), "at": place}
        if place is None:
            return told
        t, character, before = queue[place], registry[queue[place].character], said[place]
        return told | {
            "id": ids[t],
            "character": {"slug": character.slug, "name": character.name, "owner": character.owner or ""},
            "references": [secret(f"reference|{f}") for f in character.references[:REFERENCES]],
            "before": before.model_dump(include={"label", "saw", "confidence"}) if before else None,
        }

    return app


def _first_open(said: list[Label | None]) -> int | None:
    return next((i for i, x in enumerate(said) if x is None), None)
