"""A picture whose filter's judge failed is reviewed later, and neither drawn nor paid again."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from copycat.errors import MissingRequirement
from copycat.generators.base import Generator
from copycat.generators.diffusers_image import DiffusersImage
from copycat.runs.folder import RunFolder
from copycat.stages.generate import generate
from copycat.stages.plan import prepare
from copycat.stages.verify import verify
from tests.conftest import Tiny
from tests.helpers.loopback import Loopback

ASKED = "Which character"
"""Stands in every question of the filter's judge."""
NOBODY = 'say {"characters": []}'
FILTER = {"mitigations": ("filter[judge=seer]",), "cache": False}


def drawn(server: Loopback) -> int:
    """Pictures that the server drew."""
    return sum("messages" not in body for body in server.asked)


def pictures(folder: RunFolder) -> dict[str, str]:
    rows = folder.data().images.values()
    return {r.request: hashlib.sha256((folder.path / r.file).read_bytes()).hexdigest() for r in rows}


@pytest.mark.parametrize(("fault", "words"), [("no key", "cannot be used"), ("broken", "all 3 pictures")])
def test_a_paid_picture_is_not_paid_again_when_the_filters_judge_fails(
    run, server: Loopback, fault: str, words: str
) -> None:
    made = run(**FILTER)
    server.behave = {ASKED: fault}
    with pytest.raises(MissingRequirement, match=words):
        generate(prepare(made), made)
    folder, paid = RunFolder(made.folder), drawn(server)
    assert folder.held_path.is_dir()
    assert not [f for f in verify(folder).findings if "not the run's" in f.what]
    server.behave = {ASKED: NOBODY}
    generate(folder, made)
    rows = folder.data().images.values()
    assert drawn(server) == 3, "each picture once"
    assert paid in (1, 2, 3)
    assert {(r.outcome, r.cost_usd, r.reused) for r in rows} == {("ok", 0.04, False)}
    assert folder.manifest().spent.pictures == 3
    assert not folder.held_path.exists()


def test_pictures_of_a_local_model_are_those_of_an_undisturbed_run(
    tiny_models: Tiny, card, server: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def begun(out: str) -> RunFolder:
        made = tiny_models.config(tmp_path / out, mitigations=FILTER["mitigations"], seeds=(0,), cache=False)
        return prepare(made)

    server.behave = {ASKED: NOBODY}
    whole = begun("whole")
    generate(whole)
    calls, plain = [], Generator.generate

    def counted(self: Generator, requests: object, **more: object) -> object:
        calls.append(len(requests))
        return plain(self, requests, **more)

    monkeypatch.setattr(DiffusersImage, "generate", counted)
    server.behave = {ASKED: "no key"}
    folder = begun("disturbed")
    with pytest.raises(MissingRequirement, match="cannot be used"):
        generate(folder)
    assert calls == [3]
    server.behave = {ASKED: NOBODY}
    generate(folder)
    assert calls == [3], "the batch was drawn once"
    assert pictures(folder) == pictures(whole)


def test_a_held_picture_that_was_spoilt_is_drawn_anew(run, server: Loopback) -> None:
    made = run(**FILTER, characters=("zori",))
    server.behave = {ASKED: "no key"}
    with pytest.raises(MissingRequirement):
        generate(prepare(made), made)
    folder = RunFolder(made.folder)
    (held,) = folder.held_path.glob("??/*")
    held.write_bytes(held.read_bytes()[:-1])
    server.behave = {ASKED: NOBODY}
    generate(folder, made)
    assert drawn(server) == 2
    (row,) = folder.data().images.values()
    assert row.outcome == "ok"


def test_what_a_filter_drew_again_is_held_as_well(run, server: Loopback) -> None:
    """The first picture shows Zori; about the second the judge fails."""
    made = run(mitigations=("filter[judge=seer,tries=1]",), cache=False, characters=("zori",))
    folder, put = prepare(made), 0

    class Moods(dict):
        def items(self):
            nonlocal put
            put += 1
            # The questions and pictures take turns: picture, question, picture, question.
            return [(ASKED, "no key" if put == 4 else "")]

    server.behave = Moods()
    with pytest.raises(MissingRequirement):
        generate(folder, made)
    assert drawn(server) == 2
    server.behave = {ASKED: NOBODY}
    generate(folder, made)
    assert drawn(server) == 2
