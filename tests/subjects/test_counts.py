"""Counts files: written, read, cited by registries, and refused where they are none."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest

from copycat.cli.validate import findings_in
from copycat.errors import BadFile, UnknownName
from copycat.io.paths import DATA
from copycat.subjects.characters import load_registry, registry_yaml
from copycat.subjects.counts import (
    CATALOG,
    Count,
    Counts,
    cited_counts,
    load_counts,
    read_counts_file,
    write_counts_file,
)
from tests.helpers.counted import slowly

TOLD = Counts(
    corpus="LAION-tiny",
    date=datetime.date(2026, 12, 1),
    source="a test",
    rule="by eye",
    total=10,
    characters=(
        Count(slug="a", name="Ä", count=3, doubtful=1, names={"ä": 3}, words=(("hat", 2), ("in", 1))),
        Count(slug="b", name="B", count=0),
    ),
)


def test_what_is_written_is_read_and_can_be_read_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    write_counts_file(path, TOLD)
    assert read_counts_file(path) == TOLD
    told = json.loads(path.read_text(encoding="utf-8"))
    assert (told["corpus"], told["date"], told["rule"]) == ("LAION-tiny", "2026-12-01", "by eye")
    assert [(c["slug"], c["count"]) for c in told["counts"]] == [("a", 3), ("b", 0)]
    (tmp_path / "c.yaml").write_text(
        "corpus: x\ndate: 2024-10-19\nsource: a paper, Table 1\nrule: theirs\ncounts:\n"
        "- {slug: a, name: A, count: 7}\n"
    )
    assert load_counts(str(tmp_path / "c.yaml")).known(["a", "b"]) == {"a": 7, "b": None}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is not a counts file"),
        ('{"corpus": "x"}', "Field required"),
        ('{"format": "copycat counts 2"}', "format"),
        ("[]", "is not a counts file"),
    ],
)
def test_another_file_is_refused_in_one_sentence(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "c.json").write_text(text)
    with pytest.raises(BadFile, match=words):
        read_counts_file(tmp_path / "c.json")
    with pytest.raises(BadFile, match="is not a counts file"):
        read_counts_file(tmp_path / "none.json")
    with pytest.raises(UnknownName, match="counts file"):
        load_counts("menagerei")


def test_impossible_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="a: more are doubtful than there are"):
        Count(slug="a", name="A", count=1, doubtful=2)
    with pytest.raises(ValueError, match="a is there twice"):
        Counts.model_validate({**TOLD.model_dump(exclude={"characters"}), "counts": TOLD.characters[:1] * 2})


def test_a_registry_cites_counts_and_says_where_they_are(tmp_path: Path) -> None:
    write_counts_file(tmp_path / "laion.json", TOLD)
    who = "- {slug: a, name: A, owner: o, generic: g}\n"
    head = f"registry: r\nversion: 1\ncounts: [laion.json]\ncharacters:\n{who}"
    (tmp_path / "r.yaml").write_text(head)
    registry = load_registry(str(tmp_path / "r.yaml"))
    assert cited_counts(registry) == [TOLD]
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "r.yaml").write_text(registry_yaml(registry, tmp_path / "run"))
    assert cited_counts(load_registry(str(tmp_path / "run" / "r.yaml"))) == [TOLD]
    assert "laion.json" in registry_yaml(registry)
    assert str(tmp_path) not in registry_yaml(registry)
    (tmp_path / "laion.json").write_text("{}")
    found = list(findings_in([tmp_path / "r.yaml"]))
    assert len(found) == 1
    assert "laion.json is not a counts file" in found[0]
    (tmp_path / "r.yaml").write_text(head.replace("[laion.json]", "7"))
    with pytest.raises(BadFile, match="counts holds a list of counts files"):
        load_registry(str(tmp_path / "r.yaml"))


def test_the_shipped_counts_are_those_of_the_corpus() -> None:
    import pyarrow.parquet as pq

    found = CATALOG.get("menagerie")
    captions = pq.read_table(DATA / "menagerie" / "corpus.parquet")["caption"].to_pylist()
    expected = slowly(captions, load_registry("menagerie"))
    assert found.total == expected.captions == len(captions)
    assert {c.slug: c.count for c in found.characters} == dict(expected.named)
