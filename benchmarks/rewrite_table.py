"""Write docs/rewrite.md: what the mitigation `rewrite` keeps and removes, for all shipped characters.

    python benchmarks/rewrite_table.py              # writes the page
    python benchmarks/rewrite_table.py --check      # says whether it is up to date

Every prompt set of the registries `copycat` and `unseen` is rewritten offline, and the free text of
tests/data/rewrite/free_text.jsonl; nothing is drawn.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from copycat.mitigations.rewrite_audit import RewriteAudit, audit
from copycat.records import Row
from copycat.subjects.characters import Character, Registry, load_registry
from copycat.subjects.prompts import available, load_prompts

Audits = Sequence[tuple[str, RewriteAudit]]
"""Prompts of one set, each with the slug of its character."""
REGISTRIES = ("copycat", "unseen")
PAGE = Path(__file__).resolve().parents[1] / "docs" / "rewrite.md"
FREE_TEXT = PAGE.parents[1] / "tests" / "data" / "rewrite" / "free_text.jsonl"
HALVES = ("seen", "aside")
HEAD = """\
# What `rewrite` keeps and removes

Written by `python benchmarks/rewrite_table.py`, which rewrites every prompt of every set of the registries
`copycat` and `unseen`; do not edit. How the rewriter works is in [mitigations.md](mitigations.md).

## By prompt set

| column | is |
|---|---|
| changed | prompts that the rewriter found something in; the others are sent as they are |
| key kept | of the words of the key that the prompts asked for, those that stand in the rewritten ones |
| removed | names and distinguishing attributes that were found and replaced, in whatever wording |
| dropped | keywords that only give the character away: side figures, plots, catchwords |
| left | rewritten prompts with a name or an attribute of the lexicon in them |
| leaked | rewritten prompts that name a character, an owner, a work or a world; found without the lexicon |
| flaws | rewritten prompts with a word or article too many, a stray comma, "a" for "an", a bare verb |

A prompt that names the character asks for all words of its key, another one for those that stand in it.
"""
MISSPELT = """
A misspelt name is not in the lexicon: in `misspelt1` and `misspelt3` nothing is found, the prompts are sent
as they are, and the provenance says "nothing to replace". `rewrite-llm` is told whom a prompt is for, and can
do more.
"""
FREE = """
## Free text

The prompt sets are worded as the lexicon is. These {count} prompts about {characters} characters are worded
otherwise, each with the words that must go, some of which are in no registry, and those that must stay:
`tests/data/rewrite/free_text.jsonl`. Both halves were written, by one hand, before the rewriter was tuned
on the half *seen*; the half *aside* was only counted afterwards. A prompt without words to go is about
nobody, and must stay as it is.

| half | prompts | words gone | words stayed | about nobody, untouched | leaked | flaws |
|---|---|---|---|---|---|---|
"""
CHARACTERS = """
## By character

*Asked for* is the key that CONS asks a judge about, *in place of the name* what the name becomes. *Key kept*
counts over all prompts of all sets. Attributes stand as the registry words them first, with what takes their
place; their other wordings are in `data/characters/`.
"""


class FreeText(Row):
    """One prompt as somebody may word it."""

    registry: str
    character: str
    half: str
    prompt: str
    gone: tuple[str, ...]
    """Words that the rewriter must not leave."""
    stays: tuple[str, ...]

    def left(self, after: str) -> tuple[str, ...]:
        """Those of `gone` that still stand in `after`, as whole words and in any case."""
        return tuple(w for w in self.gone if re.search(rf"\b{re.escape(w)}\b", after, re.IGNORECASE))

    def lost(self, after: str) -> tuple[str, ...]:
        """Those of `stays` that no longer stand in `after`."""
        return tuple(w for w in self.stays if w.lower() not in after.lower())


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="compare with the page, and write nothing")
    asked = parser.parse_args(arguments)
    registries = [load_registry(name) for name in REGISTRIES]
    made = page(registries, {r.name: audits_of(r) for r in registries})
    if not asked.check:
        PAGE.write_text(made, encoding="utf-8")
    elif made != PAGE.read_text(encoding="utf-8"):
        raise SystemExit(f"{PAGE} is not what this command makes; run it without --check.")


def audits_of(registry: Registry) -> dict[str, Audits]:
    """Every prompt of every set of `registry`, with the slug of its character."""
    return {s: list(_audits(registry, s)) for s in available(registry.name)}


def page(registries: Sequence[Registry], audits: Mapping[str, Mapping[str, Audits]]) -> str:
    """The page as Markdown; `audits` are `audits_of` each registry, by its name."""
    lines = [
        HEAD,
        "| registry, set | prompts | changed | key kept | removed | dropped | left | leaked | flaws |",
    ]
    lines += ["|---|---|---|---|---|---|---|---|---|"]
    for name, sets in audits.items():
        lines += [_set_line(f"{name}, {s}", [a for _, a in found]) for s, found in sets.items()]
    lines += [MISSPELT + _free_text(registries) + CHARACTERS]
    for registry in registries:
        lines += [f"### {registry.name}", ""]
        lines += [
            "| character | asked for | in place of the name | key kept | attributes |",
            "|---|---|---|---|---|",
        ]
        every = [pair for found in audits[registry.name].values() for pair in found]
        lines += [_line(c, [a for slug, a in every if slug == c.slug]) for c in registry.characters]
        given_up = [c for c in registry.characters if c.key_given_up]
        if given_up:
            lines += ["", "Of these a word of the key is given up:", ""]
            lines += [f"- {c.name} ({c.key}): {c.key_given_up}." for c in given_up]
        lines += [""]
    return "\n".join(lines).rstrip("\n") + "\n"


def free_texts() -> list[FreeText]:
    """The prompts of `FREE_TEXT`."""
    return [FreeText.model_validate(json.loads(line)) for line in FREE_TEXT.read_text("utf-8").splitlines()]


def audit_of(free: FreeText, registries: Sequence[Registry]) -> RewriteAudit:
    registry = next(r for r in registries if r.name == free.registry)
    return audit(free.prompt, registry[free.character], registry)


def _free_text(registries: Sequence[Registry]) -> str:
    audits = [(free, audit_of(free, registries)) for free in free_texts()]
    characters = {(free.registry, free.character) for free, _ in audits}
    text = FREE.format(count=len(audits), characters=len(characters))
    failed: list[str] = []
    for half in HALVES:
        told = [(free, a) for free, a in audits if free.half == half]
        left = [(free, a, free.left(a.after), free.lost(a.after)) for free, a in told]
        nobody = [(free, a) for free, a in told if not free.gone]
        gone, stays = (sum(map(len, ws)) for ws in ([f.gone for f, _ in told], [f.stays for f, _ in told]))
        cells = (
            half,
            len(told),
            f"{gone - sum(len(words) for _, _, words, _ in left)} of {gone}",
            f"{stays - sum(len(words) for _, _, _, words in left)} of {stays}",
            f"{sum(a.after == a.before for _, a in nobody)} of {len(nobody)}",
            sum(bool(a.leaked) for _, a in told),
            sum(bool(a.flaws) for _, a in told),
        )
        text += f"| {' | '.join(map(str, cells))} |\n"
        failed += [
            f"- {half}, {f.character}: {_wrong(words, lost)}: {a.after}"
            for f, a, words, lost in left
            if words or lost
        ]
    return text + "\nNot as it must be:\n\n" + "\n".join(failed) + "\n" if failed else text


def _wrong(left: Sequence[str], lost: Sequence[str]) -> str:
    said = (("left", left), ("lost", lost))
    return "; ".join(f"{what} *{', '.join(words)}*" for what, words in said if words)


def _audits(registry: Registry, prompt_set: str) -> Iterator[tuple[str, RewriteAudit]]:
    for prompt in load_prompts(prompt_set, registry.name):
        yield prompt.character, audit(prompt.text, registry[prompt.character], registry)


def _set_line(title: str, audits: list[RewriteAudit]) -> str:
    cells = (
        title,
        len(audits),
        sum(a.after != a.before for a in audits),
        _kept(audits),
        sum(len(a.removed) for a in audits),
        sum(len(a.dropped) for a in audits),
        sum(bool(a.left) for a in audits),
        sum(bool(a.leaked) for a in audits),
        sum(bool(a.flaws) for a in audits),
    )
    return f"| {' | '.join(map(str, cells))} |"


def _kept(audits: list[RewriteAudit]) -> str:
    return f"{sum(len(a.kept) for a in audits)} of {sum(len(a.asked) for a in audits)}"


def _line(character: Character, audits: list[RewriteAudit]) -> str:
    attributes = "; ".join(f"{a.text} → {a.generic or '(dropped)'}" for a in character.attributes)
    star = " *" if character.key_given_up else ""
    cells = (character.name, f"{character.key}{star}", character.generic, _kept(audits), attributes)
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
