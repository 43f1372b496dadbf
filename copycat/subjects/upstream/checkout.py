"""A checkout of princeton-nlp/CopyCat: which file is which prompt set, and whom its rows are about.

Rows are joined by the character's name and never by their order, which differs between files. A row whose
character is not found, or is found twice, is left out and named.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from copycat.errors import BadFile
from copycat.io.atomic import write_text
from copycat.io.jsonl import write_lines
from copycat.subjects.characters import Character, Registry, normalise
from copycat.subjects.prompts import Prompt, check
from copycat.subjects.upstream.table import Record, Table, mend, read_table, terms

SUFFIX = "cartoon"
"""The word that stands after the last one in every row of the co-occurrence files."""
RESPELT = {"baby yoda": "yoda"}
"""Names that are no alias of ours, by normalised name; only where the row is about that character."""
STRANGERS = {
    "steve": "it stands where Link's row is missing, but its text is about an ordinary man at home; "
    "--join Steve=link takes it all the same"
}
"""Why a name is not joined to the character that one might take it for."""
NAMES = "upstream-name"
REGISTRY = "upstream"
"""The registry with the characteristics that CONS asks for there."""


@dataclass(frozen=True)
class Source:
    """A kind of file: its path under `prompts/`, the set that it becomes, and its columns."""

    path: re.Pattern[str]
    set: str
    """`{}` are the path's groups. Empty for the characteristics that CONS asks for."""
    column: str = "prompt"
    original: str | None = None
    words: bool = False
    """Whether a cell is a list of words."""


SOURCES = (
    Source(re.compile(r"targets\.csv"), NAMES),
    Source(re.compile(r"targets_60words\.csv"), "upstream-description"),
    Source(re.compile(r"targets_dalle_prompt\.csv"), "upstream-rewritten-name"),
    Source(
        re.compile(r"targets_60words_dallerewrite\.csv"),
        "upstream-rewritten-description",
        original="original_prompt",
    ),
    Source(re.compile(r"keywords_lm/n=(\d+)_related_greedy\.csv"), "upstream-lm{}", "keyword", words=True),
    Source(re.compile(r"keywords_embedding/n=(\d+)\.csv"), "upstream-emb{}", words=True),
    Source(
        re.compile(r"keywords_co-occurrence/50keywords_([\w-]+)_top(\d+)\.csv"), "upstream-{}-{}", words=True
    ),
    Source(re.compile(r"consistency/key_entitie_n1\.csv"), "", "keyword"),
)
DESCRIPTION = "upstream-description"


@dataclass
class Imported:
    """What became of a checkout."""

    registry: str
    """Name of the registry that rows were joined to."""
    sets: dict[str, list[Prompt]] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    """The characteristic that CONS asks for, by slug."""
    repairs: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    """Rows and files that were left out, and why."""
    findings: list[str] = field(default_factory=list)
    """What is odd about the prompts and was left as it is."""


def import_checkout(path: Path, registry: Registry, joins: Mapping[str, str] | None = None) -> Imported:
    """Read every known file under `path`, the checkout or its `prompts` folder.

    `joins` adds spellings, from a name there to a character of `registry`. Raises BadFile for a folder that
    is no checkout and for a file with other columns, and UnknownName for a join to nobody.
    """
    folder = path / "prompts" if (path / "prompts").is_dir() else path
    if not (folder / "targets.csv").is_file():
        raise BadFile(f"{path} is no checkout of princeton-nlp/CopyCat: it has no prompts/targets.csv.")
    book = Book(registry, joins or {})
    out = Imported(registry.name)
    originals: dict[str, dict[str, str]] = {}
    for file in sorted(folder.rglob("*.csv"), key=_natural):
        relative = file.relative_to(folder).as_posix()
        found = next(((s, m) for s in SOURCES if (m := s.path.fullmatch(relative))), None)
        if found is None:
            out.skipped.append(f"{relative}: no file of this name is known")
            continue
        kind, match = found
        name = kind.set.format(*match.groups())
        table = read_table(file, kind.column, kind.original)
        joined = _join(out, relative, table, book)
        _take(out, kind, name, relative, table, joined)
        if kind.original:
            originals[name] = {slug: r.original or "" for slug, r in joined.items()}
    for name, texts in originals.items():
        _drop_strangers(out, name, texts)
    for name, prompts in out.sets.items():
        if name != NAMES:
            out.findings += check(prompts, registry)
        absent = [c.name for c in registry.characters if c.slug not in {p.character for p in prompts}]
        if absent:
            out.findings.append(f"{name}: no prompt for {', '.join(absent)}.")
    return out


def _natural(path: Path) -> list[tuple[int, str]]:
    return [(int(d or 0), text) for text, d in re.findall(r"(\D*)(\d*)", path.as_posix())]


class Book:
    """Finds characters by any of their names, those that the suite uses among them."""

    def __init__(self, registry: Registry, joins: Mapping[str, str]) -> None:
        self.registry = registry
        known = {c.slug for c in registry.characters}
        self._respelt = {normalise(name): slug for name, slug in RESPELT.items() if slug in known}
        self._joined = {normalise(name): registry.find(target).slug for name, target in joins.items()}

    def find(self, name: str) -> set[str]:
        """Slugs of those called `name`: of the one it is joined to, else as the registry and the suite's own
        spellings have it."""
        plain = normalise(name)
        if plain in self._joined:
            return {self._joined[plain]}
        found = {c.slug for c in self.registry.called(name.strip())}
        return found | ({self._respelt[plain]} if plain in self._respelt else set())

    def why_not(self, name: str) -> str:
        """Why nobody, or not one alone, is called `name`."""
        slugs, known = self.find(name), STRANGERS.get(normalise(name))
        why = f"may be {' or '.join(sorted(slugs))}" if slugs else f"is nobody in {self.registry.name}"
        return f"{why}: {known}" if known else why


def _take(
    out: Imported, kind: Source, name: str, relative: str, table: Table, joined: dict[str, Record]
) -> None:
    """Puts the rows of one file into `out`."""
    out.repairs += [f"{relative}: {what}" for what in table.mended]
    out.skipped += [f"{relative}: {what}" for what in table.skipped]
    done: dict[str, list[str]] = defaultdict(list)
    texts = _texts(kind, joined.values(), done)
    out.repairs += [f"{relative}: {what}: {', '.join(who)}" for what, who in done.items()]
    source = f"princeton-nlp/CopyCat, {relative} (SHA-256 {table.sha256[:12]})"
    prompts = []
    for slug, record in joined.items():
        text = texts[record.number]
        if not text:
            out.skipped.append(f"{relative}: row {record.number}, '{record.target.strip()}', is empty")
        elif not kind.set:
            out.keys[slug] = text.casefold()
        else:
            origin = f"{source}, row {record.number}; read by `copycat import-upstream`"
            prompts.append(Prompt(set=name, character=slug, text=text, provenance=origin))
    if not kind.set:
        return
    out.sets[name] = prompts
    if kind.words:
        size = int(re.findall(r"\d+", name)[-1])
        counts = {p.character: p.text.count(",") + 1 for p in prompts}
        odd = [f"{slug} ({n})" for slug, n in counts.items() if n != size]
        if odd:
            out.findings.append(f"{name}: not {size} words for {', '.join(odd)}.")


def _drop_strangers(out: Imported, name: str, originals: Mapping[str, str]) -> None:
    """A rewritten description goes with the description that it says it was made of, or not at all."""
    described = {p.character: normalise(p.text) for p in out.sets.get(DESCRIPTION, ())}
    kept = []
    for p in out.sets[name]:
        mine = normalise(mend(originals[p.character])[0])
        if p.character in described and described[p.character] != mine:
            out.skipped.append(
                f"{name}: {p.character} was made of another text than {DESCRIPTION} has for it"
            )
        else:
            kept.append(p)
    out.sets[name] = kept


def _join(out: Imported, relative: str, table: Table, book: Book) -> dict[str, Record]:
    """Rows by slug, in the registry's order."""
    rows: dict[str, list[Record]] = defaultdict(list)
    for record in table.records:
        slugs = book.find(record.target)
        where = f"{relative}: row {record.number}, '{record.target.strip()}',"
        if len(slugs) != 1:
            out.skipped.append(f"{where} {book.why_not(record.target)}")
            continue
        rows[next(iter(slugs))].append(record)
    joined = {}
    for c in book.registry.characters:
        found = rows.get(c.slug, [])
        if len(found) > 1:
            numbers = " and ".join(str(r.number) for r in found)
            out.skipped.append(f"{relative}: rows {numbers} are both about {c.name}, so none is taken")
        elif found:
            joined[c.slug] = found[0]
            _respelt(out, relative, found[0], c)
    return joined


def _respelt(out: Imported, relative: str, record: Record, character: Character) -> None:
    if record.target != record.target.strip():
        out.repairs.append(f"{relative}: blanks around the name '{record.target}' dropped")
    if normalise(record.target) != normalise(character.name):
        out.repairs.append(f"{relative}: '{record.target.strip()}' joined to {character.name}")


def _texts(kind: Source, records: Iterable[Record], done: dict[str, list[str]]) -> dict[int, str]:
    """Mended cells by row number; who was mended goes into `done`, by what was done."""
    cells: dict[int, list[str]] = {}
    who = {}
    for r in records:
        found, what = terms(r.text) if kind.words else _whole(r.text)
        cells[r.number], who[r.number] = found, r.target.strip()
        for w in what:
            done[w].append(r.target.strip())
    # One row that ends so may mean it; all rows do only when it was added to them.
    if kind.words and len(cells) > 1 and all(c and c[-1].casefold() == SUFFIX for c in cells.values()):
        done[f"the extra last word '{SUFFIX}' dropped"].append(f"all {len(cells)} rows")
        cells = {n: c[:-1] for n, c in cells.items()}
    return {n: ", ".join(c) for n, c in cells.items()}


def _whole(text: str) -> tuple[list[str], list[str]]:
    mended, done = mend(text)
    return [mended], done


def write(imported: Imported, registry: Registry, folder: Path) -> list[Path]:
    """One JSONL file a set, `upstream.yaml` with the keys that CONS asks for, and `import.md`."""
    paths = write_sets(imported, folder)
    if imported.keys:
        paths.append(write_registry(imported, registry, folder / f"{REGISTRY}.yaml"))
    return [*paths, write_account(imported, folder / "import.md")]


def write_sets(imported: Imported, folder: Path) -> list[Path]:
    """One JSONL file a set."""
    for name, prompts in imported.sets.items():
        write_lines(folder / f"{name}.jsonl", prompts)
    return [folder / f"{name}.jsonl" for name in imported.sets]


def write_registry(imported: Imported, registry: Registry, path: Path) -> Path:
    """`registry` under the name REGISTRY, with the keys that CONS asks for there."""
    characters = [
        c.model_copy(update={"key": imported.keys.get(c.slug, c.key)}).model_dump(
            mode="json", exclude_defaults=True
        )
        for c in registry.characters
    ]
    content = {"registry": REGISTRY, "version": registry.version, "characters": characters}
    write_text(path, yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=110))
    return path


def write_account(imported: Imported, path: Path) -> Path:
    """What `account` says."""
    write_text(path, account(imported))
    return path


def account(imported: Imported) -> str:
    """Everything that was mended, left out, and found odd."""
    parts = (
        ("Mended", imported.repairs),
        ("Left out", imported.skipped),
        ("Found odd and left as it is", imported.findings),
    )
    out = ["# princeton-nlp/CopyCat as read by copycat", ""]
    out += [f"{len(p)} prompts in {name}" for name, p in imported.sets.items()]
    out += [f"{len(imported.keys)} keys for CONS", ""]
    for title, lines in parts:
        out += [f"## {title}: {len(lines)}", "", *(f"- {line}" for line in lines), ""]
    return "\n".join(out)
