"""copycat's own data set: what is in it, what stays out, and that it passes the audit."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from typer.testing import CliRunner

from copycat.audit.dataset import Dataset
from copycat.audit.run import audit
from copycat.cli.main import app
from copycat.errors import BadFile, RunConflict, UserError
from copycat.release import parts
from copycat.release.declared import OptOuts, Release, Request, read_release, shipped_release
from copycat.release.parts import PARTS, rows
from copycat.release.write import write
from copycat.subjects.characters import load_registry
from tests.release.conftest import CONTACT

HARM = (
    *("nude", "naked", "nsfw", "porn", "sex", "sexual", "rape", "blood", "bloody", "gore", "gory", "corpse"),
    *("murder", "murdered", "torture", "suicide", "lynching", "nazi", "hitler", "slut", "whore", "faggot"),
    *("nigger", "retard", "bomb", "massacre"),
)
"""Words that none of its prompts and captions may hold."""


def cells(own: Path, table: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(own / "data" / f"{table}.parquet").to_pylist()
    return found


def test_it_passes_its_own_audit(own: Path) -> None:
    pytest.importorskip("mlcroissant")
    report = audit(Dataset(own, "own", sample=2000))
    assert [f"{f.item}: {f.reason}" for f in report.findings if f.status == "fail"] == []
    # Nobody was asked before publication, and the datasheet says why; people have to judge that.
    assert [f.item for f in report.findings if f.status == "unknown"] == ["communities"]
    assert report.tier == "openly licensed"
    assert report.unread == ()


def test_every_row_says_where_it_is_from_under_which_licence_from_when_and_what(own: Path) -> None:
    seen = set()
    for table in PARTS:
        for row in cells(own, table):
            assert row["license"] == "Apache-2.0"
            assert date.fromisoformat(row["date"]) <= date.today()  # noqa: DTZ011
            assert row["source"].endswith("of copycat")
            content = row["image"]["bytes"] if table == "pictures" else row["text"].encode()
            assert hashlib.sha256(content).hexdigest() == row["sha256"]
            assert row["id"] not in seen
            seen.add(row["id"])


def test_it_holds_everybody_and_all_captions(own: Path) -> None:
    people = {(r["registry"], r["character"]) for r in cells(own, "characters")}
    assert people == {(n, c.slug) for n in parts.REGISTRIES for c in load_registry(n).characters}
    assert len(cells(own, "captions")) == 37_666
    assert len(cells(own, "results")) == sum(
        len(p.read_text().splitlines()) for p in parts.RESULTS.glob("*.jsonl")
    )


def test_no_picture_of_a_protected_character_is_in_it(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = {r["registry"] for r in cells(own, "pictures")}
    assert shown == {"menagerie"}
    assert not load_registry("menagerie").protected
    # Were the invented characters somebody's, theirs would stay out too.
    monkeypatch.setattr(load_registry("menagerie"), "protected", True)
    assert list(rows(shipped_release(), "pictures")) == []
    card = (own / "README.md").read_text()
    assert "**Generated pictures of protected characters**: because they were made to show" in card


def test_lists_of_a_model_that_was_not_recorded_stay_out(own: Path) -> None:
    assert not [r["id"] for r in cells(own, "prompts") if re.fullmatch(r"lm\d+", r["set"])]
    assert {r["set"] for r in cells(own, "prompts") if r["registry"] == "copycat"} >= {"name", "description"}


def test_what_somebody_asked_for_is_left_out(tmp_path: Path) -> None:
    release = shipped_release()
    asked = [
        Request(kind="character", value="pikachu", date=date(2026, 12, 1)),
        Request(kind="id", value="captions/menagerie/1", date=date(2026, 12, 1)),
    ]
    record = OptOuts(checked=date(2026, 12, 1), requests=tuple(asked))
    wished = release.model_copy(update={"opt_outs": record})
    for part in ("characters", "prompts"):
        assert "pikachu" not in {r["character"] for r in rows(wished, part)}
    near = next(r["near"] for r in rows(release, "neutral") if r["near"])
    close = Request(kind="character", value=near, date=date(2026, 12, 1))
    none = release.model_copy(update={"opt_outs": record.model_copy(update={"requests": (close,)})})
    assert near not in {r["near"] for r in rows(none, "neutral")}
    assert "captions/menagerie/1" not in {r["id"] for r in rows(wished, "captions")}
    assert [r for r in rows(release, "characters") if r["character"] == "pikachu"]
    write(wished, tmp_path / "d", CONTACT)
    written = yaml.safe_load((tmp_path / "d" / "opt-outs.yaml").read_text())
    assert [r["value"] for r in written["requests"]] == ["pikachu", "captions/menagerie/1"]


def test_no_prompt_holds_words_of_violence_nudity_or_slurs(own: Path) -> None:
    wanted = re.compile(rf"\b(?:{'|'.join(HARM)})\b", re.I)
    for table in ("prompts", "neutral", "captions"):
        assert [r["id"] for r in cells(own, table) if wanted.search(r["text"])] == []
    # The datasheet names the two.
    named = {r["id"]: wanted.findall(r["text"]) for r in cells(own, "characters") if wanted.search(r["text"])}
    assert named == {"characters/unseen/betty-boop": ["sex"], "characters/unseen/deadpool": ["blood"]}


def test_the_same_declaration_gives_the_same_bytes(own: Path, tmp_path: Path) -> None:
    write(shipped_release(), tmp_path / "again", CONTACT)
    assert (tmp_path / "again" / "SHA256SUMS").read_text() == (own / "SHA256SUMS").read_text()


def test_the_address_for_removal_is_needed_and_named(own: Path, tmp_path: Path) -> None:
    for none in ("", "me", "@", "http://x.org"):
        with pytest.raises(UserError, match="--contact"):
            write(shipped_release(), tmp_path / "d", none)
    assert not (tmp_path / "d").exists()
    assert CONTACT in (own / "REMOVAL.md").read_text()
    assert CONTACT in (own / "README.md").read_text()


def test_a_folder_that_holds_something_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(RunConflict, match="not empty"):
        write(shipped_release(), tmp_path, CONTACT)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_the_verb_says_what_it_wrote_and_what_stays_out(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["dataset", "--to", str(tmp_path / "d")])
    assert done.exit_code != 0
    done = CliRunner().invoke(app, ["dataset", "--to", str(tmp_path / "d"), "--contact", CONTACT])
    assert done.exit_code == 0
    assert "150 characters" in done.stdout
    assert "Left out: Generated pictures of protected characters." in done.stdout


def test_the_declaration_is_whole() -> None:
    release = shipped_release()
    assert release.version == release.changes[0].version
    assert set(release.components) == set(PARTS)


def test_a_declaration_that_is_none_is_told_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "release.yaml"
    path.write_text("title: x\n")
    with pytest.raises(BadFile, match="does not declare a data set"):
        read_release(path)
    path.write_text("{")
    with pytest.raises(BadFile, match="cannot be read"):
        read_release(path)


def test_croissant_explains_every_column(own: Path) -> None:
    body = json.loads((own / "croissant.json").read_text())
    told = {f["@id"] for s in body["recordSet"] for f in s["field"]}
    assert told == {f"{t}/{c}" for t in PARTS for c in pq.read_schema(own / "data" / f"{t}.parquet").names}
    assert Release.model_fields.keys() >= {"opt_outs", "licences_checked"}
