"""The page and its API, as a Flask application."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, Response, abort, redirect, render_template, request, url_for
from jinja2 import StrictUndefined
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from copycat.annotate.answers import rater_name
from copycat.annotate.desk import Desk, Given
from copycat.annotate.guard import guard
from copycat.errors import BadFile, UnknownName, UserError
from copycat.io import pictures
from copycat.records import Row

LARGEST = 1536
"""Longer sides of a picture are scaled down to so many pixels."""
LARGEST_REFERENCE = 512
ASSETS = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


class Who(Row):
    """A request that says no more than who asks."""

    rater: str


def create_app(desk: Desk, token: str) -> Flask:
    """The application; everything in it lies under `/token/`."""
    app = Flask("copycat.annotate", static_folder=None)
    app.jinja_env.undefined = StrictUndefined
    guard(app, token)
    app.register_blueprint(_pages(desk), url_prefix=f"/{token}")
    app.register_error_handler(UserError, _mistake)
    app.register_error_handler(ValidationError, _mistake)
    app.register_error_handler(HTTPException, lambda e: ({"error": e.description}, e.code or 500))
    return app


def _mistake(error: Exception) -> tuple[dict[str, str], int]:
    text = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
    return {"error": text}, 404 if isinstance(error, UnknownName) else 400


def _pages(desk: Desk) -> Blueprint:
    pages = Blueprint("pages", __name__)

    @pages.get("/")
    def start() -> str:
        return render_template("start.html", raters=desk.known_raters(), name="", wrong="")

    @pages.get("/label")
    def label() -> AnyResponse | str | tuple[str, int]:
        given = request.args.get("rater", "")
        try:
            name = rater_name(given)
        except UserError as e:
            shown = render_template("start.html", raters=desk.known_raters(), name=given, wrong=str(e))
            return shown, 400
        if name != given:
            return redirect(url_for("pages.label", rater=name))
        return render_template("label.html", rater=name)

    @pages.get("/api/characters")
    def characters() -> dict[str, Any]:
        return {"characters": desk.characters()}

    @pages.get("/api/item")
    def item() -> dict[str, Any]:
        number = request.args.get("number")
        if number is not None and not (number.isascii() and number.isdigit() and len(number) < 10):
            raise UnknownName("question", number, ())
        return desk.show(request.args.get("rater", ""), None if number is None else int(number))

    @pages.post("/api/answer")
    def answer() -> dict[str, Any]:
        return desk.answer(Given.model_validate(request.get_json()))

    @pages.post("/api/undo")
    def undo() -> dict[str, Any]:
        return desk.undo(Who.model_validate(request.get_json()).rater)

    @pages.get("/api/agreement")
    def agreement() -> dict[str, Any]:
        return desk.agreement(request.args.get("rater", ""))

    @pages.get("/img/<name>/<int:frame>")
    def picture(name: str, frame: int) -> Response:
        return _sent(desk.picture(name, frame), LARGEST)

    @pages.get("/ref/<slug>/<int:number>")
    def reference(slug: str, number: int) -> Response:
        return _sent(desk.reference(slug, number), LARGEST_REFERENCE)

    @pages.get("/annotate.<any(css, js, svg):kind>")
    def asset(kind: str) -> Response:
        text = (Path(__file__).parent / "templates" / f"annotate.{kind}").read_text(encoding="utf-8")
        return Response(text, mimetype=ASSETS[kind])

    return pages


def _sent(path: Path, largest: int) -> Response:
    """The picture at `path` as a PNG of its pixels alone: what else is in a file may tell how it was made."""
    try:
        picture = pictures.read(path)
    except BadFile:
        abort(404, "This picture cannot be read.")
    picture.thumbnail((largest, largest))
    content = io.BytesIO()
    picture.save(content, "PNG", compress_level=1)
    return Response(
        content.getvalue(), mimetype="image/png", headers={"Cache-Control": "private, max-age=3600"}
    )
