"""Every command in the documentation is one: verbs, options and names are there, as are targets of make."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer.main

from copycat.attacks import parse, parse_attack
from copycat.cards.judges import CATALOG as JUDGES
from copycat.cards.llms import CATALOG as LLMS
from copycat.cards.models import CATALOG as MODELS
from copycat.cli.main import app
from copycat.cli.parsing import items
from copycat.errors import UserError
from copycat.io.paths import ROOT
from copycat.menagerie.cli import app as menagerie
from copycat.paper import CATALOG as TABLES
from copycat.subjects.characters import CATALOG as REGISTRIES
from copycat.subjects.prompts import available
from copycat.verbatim.text.corpora import CATALOG as CORPORA
from copycat.verbatim.text.mitigations import parse as parse_text_mitigation
from copycat.verbatim.text.prompts import CATALOG as TEXT_PROMPTS

PAGES = [ROOT / "README.md", ROOT / "results" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.M | re.S)
_INLINE = re.compile(r"(?<!`)`((?:copycat|make|\.venv/bin/copycat) [^`]+)`(?!`)")
_PLACEHOLDER = re.compile(r"[A-Z][A-Z_]*…?|…|.*[…{$<].*|/path/.*|~.*")
"""What a reader puts something in the place of: RUN, FILE…, registry names of their own."""


@dataclass(frozen=True)
class Command:
    """One command line of one page."""

    page: str
    line: int
    words: tuple[str, ...]
    whole: bool
    """Whether it is one to copy, from a fenced block; one in a sentence may leave arguments out."""

    def __str__(self) -> str:
        return f"{self.page}:{self.line}: {shlex.join(self.words)}"


def commands() -> list[Command]:
    """All that begin with `copycat` or `make`, in their order."""
    return [c for page in PAGES for c in _of_page(page)]


def _of_page(page: Path) -> Iterator[Command]:
    text = page.read_text(encoding="utf-8")
    name = page.relative_to(ROOT).as_posix()
    for block in _FENCED.finditer(text):
        first = text.count("\n", 0, block.start(2)) + 1
        if block[1] not in ("", "sh", "bash", "console"):
            continue
        for number, line in _lines(block[2]):
            yield from _split(name, first + number, line, whole=True)
    for found in _INLINE.finditer(_FENCED.sub(lambda m: "\n" * m[0].count("\n"), text)):
        yield from _split(
            name, text.count("\n", 0, found.start()) + 1, " ".join(found[1].split()), whole=False
        )


def _lines(block: str) -> Iterator[tuple[int, str]]:
    """Lines with those that a backslash continues, by the number of the first."""
    began, kept = 0, ""
    for number, line in enumerate(block.splitlines()):
        began = began if kept else number
        kept += line.removesuffix("\\")
        if not line.endswith("\\"):
            yield began, kept
            kept = ""


def _split(page: str, line: int, text: str, *, whole: bool) -> Iterator[Command]:
    try:
        words = shlex.split(text, comments=True)
    except ValueError:
        return
    part: list[str] = []
    for word in [*words, ";"]:
        if word not in ("&&", "|", ";", "||", "→", "->"):
            part.append(word)
            continue
        if part and Path(part[0]).name in ("copycat", "make"):
            yield Command(page, line, (Path(part[0]).name, *part[1:]), whole)
        part = []


TEXTS = ("verbatim", "text")
_THEIRS = re.compile(r"\b(yours|mine|theirs|upstream|gpt-x)\b|/path/")
"""Something that the reader has made, or imported."""
COMMANDS = commands()
OURS = [c for c in COMMANDS if c.words[0] == "copycat"]
MAKE = [c for c in COMMANDS if c.words[0] == "make"]


@cache
def program() -> Any:
    """The whole command line. Typer brings a click of its own along, whose types are not public."""
    return typer.main.get_command(app)


def fault(command: Command) -> str | None:
    """Why `command` would not be understood; None where it would."""
    verb, words = program(), list(command.words[1:])
    if words[:1] == ["menagerie"]:
        # A program of its own, which the verb hands its arguments to.
        verb, words = typer.main.get_command(menagerie), words[1:]
    while hasattr(verb, "commands") and words:
        if words[0] in verb.commands:
            verb = verb.commands[words.pop(0)]
        elif verb.name == "leaderboard":
            # Its name may be left out: `copycat leaderboard --out site`.
            verb = verb.commands["build"]
        elif verb.name == "verbatim":
            # As it is for a run: `copycat verbatim RUN`.
            verb = verb.commands["images"]
        elif words[0].startswith("-") or _PLACEHOLDER.fullmatch(words[0]):
            break
        else:
            return f"there is no {words[0]}"
    verbs = [verb, *getattr(verb, "commands", {}).values()]
    known = {name for v in verbs for p in v.params for name in (*p.opts, *p.secondary_opts)} | {"--help"}
    asked = [w.partition("=")[0] for w in words if re.match(r"--?[a-z]", w)]
    strange = [o for o in asked if o not in known]
    if strange:
        return f"{verb.name} has no option {strange[0]}"
    if not command.whole or "…" in words or hasattr(verb, "commands"):
        return None
    try:
        verb.make_context(verb.name, words)
    except Exception as e:
        if not hasattr(e, "format_message"):
            raise
        return str(e.format_message())
    return None


def test_the_pages_hold_commands() -> None:
    # A pattern that finds nothing would pass everything.
    assert len(OURS) > 150
    assert len(MAKE) > 25
    assert sum(c.whole for c in OURS) > 60


def test_every_copycat_command_is_understood() -> None:
    assert not [f"{c}: {why}" for c in OURS if (why := fault(c))]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("copycat nonesuch", "there is no nonesuch"),
        ("copycat mine nonesuch", "there is no nonesuch"),
        ("copycat menagerie nonesuch", "there is no nonesuch"),
        ("copycat leaderboard --nonesuch", "build has no option --nonesuch"),
        ("copycat mine … --nonesuch", "has no option --nonesuch"),
        ("copycat run --nonesuch", "has no option --nonesuch"),
        ("copycat run --limit many", "integer"),
        ("copycat table", "argument 'which'"),
        ("copycat run --dry-run", None),
        ("copycat ls models", None),
    ],
)
def test_what_is_no_command_is_found_out(text: str, why: str | None) -> None:
    (command,) = _split("x.md", 1, text, whole=True)
    told = fault(command)
    assert told is None if why is None else why in str(told)


def test_continued_lines_and_comments_are_read_as_a_shell_does() -> None:
    block = "copycat run --model x \\\n    --limit 3   # three\ncd y && make eval MODEL=x | cat\n"
    found = [c.words for number, line in _lines(block) for c in _split("x", number, line, whole=True)]
    assert found == [("copycat", "run", "--model", "x", "--limit", "3"), ("make", "eval", "MODEL=x")]


def _named(option: str, variable: str) -> Iterator[tuple[Command, str]]:
    """What the pages give as `option` of copycat or as `variable` of make, but for placeholders."""
    for c in COMMANDS:
        if c.words[1:3] == TEXTS:
            continue  # it has names of its own, see below
        for i, word in enumerate(c.words):
            value = None
            if word == option and i + 1 < len(c.words):
                value = c.words[i + 1]
            elif word.startswith((f"{option}=", f"{variable}=")):
                value = word.partition("=")[2]
            if value and not _PLACEHOLDER.fullmatch(value):
                yield c, value


def test_every_documented_mitigation_can_be_read() -> None:
    given: dict[str, Command] = {}
    for c, value in _named("--mitigation", "MITIGATION"):
        given |= dict.fromkeys(re.split(r",(?![^\[]*\])", value), c)
    wrong = []
    for spec, c in given.items():
        try:
            if not _THEIRS.search(spec):
                parse(spec)
        except UserError as e:
            wrong.append(f"{c}: {e}")
    assert not wrong


def test_every_documented_study_of_texts_can_be_planned() -> None:
    checked = 0
    for c in (c for c in OURS if c.words[1:3] == TEXTS and c.whole):
        given = dict(zip(c.words[3::2], c.words[4::2], strict=False))
        for spec in items(given.get("--mitigation", "none")):
            parse_text_mitigation(spec)
        assert set(items(given.get("--prompts", "prefix"))) <= set(TEXT_PROMPTS.names()), str(c)
        named = items(given.get("--corpus", "")) + items(given.get("--benign", ""))
        assert {n for n in named if "/" not in n} <= set(CORPORA.names()), str(c)
        assert {given.get("--model", "menagerie-lm")} <= set(LLMS.names()), str(c)
        checked += 1
    assert checked >= 4


def test_every_documented_attack_can_be_read() -> None:
    found = [a for _, value in _named("--attack", "ATTACK") for a in re.split(r",(?![^\[]*\])", value)]
    assert "udatk" in found
    for text in found:
        if text != "none":
            parse_attack(text)


def test_every_documented_name_is_there() -> None:
    sets = {s.rpartition("/")[2] for r in REGISTRIES.names() for s in available(r)}
    wrong = [
        f"{c}: {value} is no {what}"
        for what, option, variable, names in (
            ("model", "--model", "MODEL", {*MODELS.names(), *LLMS.names()}),
            ("judge", "--judge", "JUDGE", set(JUDGES.names())),
            ("registry", "--registry", "REGISTRY", set(REGISTRIES.names())),
            ("prompt set", "--prompts", "PROMPTS", sets),
        )
        for c, given in _named(option, variable)
        for value in given.split(",")
        # A path is the reader's own file.
        if not (_THEIRS.search(value) or "/" in value or value.endswith((".yaml", ".jsonl")))
        if not {value, value.partition("@")[0], value.partition("[")[0]} & names
    ]
    wrong += [
        f"{c}: there is no table {c.words[2]}"
        for c in OURS
        if c.words[1:2] == ("table",) and len(c.words) > 2 and not _PLACEHOLDER.fullmatch(c.words[2])
        if not {c.words[2], f"table{c.words[2]}"} & set(TABLES.names())
    ]
    assert not wrong


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_knows_every_documented_target_and_variable(tmp_path: Path) -> None:
    targets, given = dict[str, Command](), dict[str, Command]()
    for c in MAKE:
        for word in c.words[1:]:
            if re.fullmatch(r"[A-Z_]+=.*", word):
                given[word.partition("=")[0]] = c
            elif re.fullmatch(r"[a-z][\w.-]*", word):
                targets[word] = c
    text = (ROOT / "Makefile").read_text()
    assert not [f"{c}: make has no {name}" for name, c in given.items() if f"$({name})" not in text]
    # All of them at once, in a dry run: an unknown one stops it by its name.
    done = subprocess.run(
        ["make", "-n", "-k", *targets, f"VENV={tmp_path}", f"PYTHON={sys.executable}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    missing = re.findall(r"No rule to make target [`'](\S+)'", done.stderr)
    assert not [f"{targets[m]}" for m in missing if m in targets]
    assert done.returncode == 0, done.stderr
