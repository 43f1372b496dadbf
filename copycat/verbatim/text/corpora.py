"""Collections of documents: shipped ones by name, and a user's files of text, code, JSONL or Parquet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from copycat.cards.catalog import Catalog
from copycat.errors import BadFile, UnknownName, first_fault, first_line
from copycat.io.documents import parse_json
from copycat.io.paths import DATA, expand
from copycat.io.words import whole
from copycat.io.yaml_file import read_yaml
from copycat.records import Row
from copycat.verbatim.text.documents import Corpus, Document, Kind, Skipped

CODE = frozenset(
    f".{ending}"
    for some in (
        ["c", "cc", "cpp", "cs", "go", "h", "hpp", "java", "jl", "js", "kt", "lua", "php", "pl", "py", "r"],
        ["rb", "rs", "scala", "sh", "sql", "swift", "ts"],
    )
    for ending in some
)
"""Endings of programs."""
TEXT = frozenset({".txt", ".md", ".rst"})
Found = Document | Skipped


class CorpusCard(Row):
    """A named collection, as its YAML file describes it."""

    name: str
    title: str
    licence: str
    """Of every document that names none of its own."""
    source: str
    file: str = ""
    """JSONL of documents, beside the card."""
    package: str = ""
    """In place of a file: an installed Python package, whose source files are the documents."""


def load_corpus(spec: str) -> Corpus:
    """The corpus of that name, or the documents in a file or folder.

    A file that is not what it should be is left out and named, line by line where it has lines. Raises
    UnknownName, or BadFile where nothing at all can be read.
    """
    if spec in CATALOG.names():
        return _some(CATALOG.get(spec))
    path = expand(spec)
    if not path.exists():
        raise UnknownName("corpus (no file or folder has that name either)", spec, CATALOG.names())
    if not path.is_dir():
        path = path.resolve()
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    root = path if path.is_dir() else path.parent
    known = [f for f in files if _reader(f) is not None]
    if not known:
        endings = ", ".join(sorted([*READERS, *TEXT]))
        raise BadFile(f"{path} holds no documents: files of {endings}, or of programs such as .py and .c.")
    found = [item for file in known for item in _read(file, root)]
    return _some(_made(path.stem, found))


def _some(corpus: Corpus) -> Corpus:
    if corpus.documents:
        return corpus
    first = corpus.skipped[0] if corpus.skipped else Skipped(corpus.name, "it is empty")
    raise BadFile(f"The corpus {corpus.name} has no document that can be read ({first.where}: {first.why}).")


def _made(name: str, found: list[Found]) -> Corpus:
    """With each document once."""
    documents = {d.id: d for d in found if isinstance(d, Document)}
    return Corpus(name, tuple(documents.values()), tuple(s for s in found if isinstance(s, Skipped)))


def _reader(file: Path) -> Callable[[Path, Path], Iterator[Found]] | None:
    ending = file.suffix.lower()
    return _whole if ending in CODE | TEXT else READERS.get(ending)


def _read(file: Path, root: Path) -> Iterator[Found]:
    reader = _reader(file)
    if reader is None:
        return
    if not file.resolve().is_relative_to(root.resolve()):
        # Prompts go to servers; a folder from elsewhere must not choose what else of this machine does.
        yield Skipped(str(file), "it is a link to a file outside the folder")
        return
    try:
        yield from reader(file, root)
    except OSError as e:
        yield Skipped(str(file), f"it cannot be read ({e.strerror or e})")


def _text(file: Path, content: bytes) -> str | Skipped:
    """`content` as UTF-8, with or without a byte-order mark."""
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as e:
        return Skipped(
            str(file), f"it is not UTF-8 (byte 0x{content[e.start]:02x} at {e.start:,}); save it as UTF-8"
        )


def _whole(file: Path, root: Path) -> Iterator[Found]:
    """A file that is one document; its folder is its set."""
    text = _text(file, file.read_bytes())
    if isinstance(text, Skipped):
        yield text
    elif not text.strip():
        yield Skipped(str(file), "it is empty")
    else:
        told = file.relative_to(root)
        kind: Kind = "code" if file.suffix.lower() in CODE else "text"
        group = "" if told.parent == Path() else told.parent.as_posix()
        yield Document(title=told.as_posix(), text=text, group=group, kind=kind, source=file.name)


def _jsonl(file: Path, root: Path) -> Iterator[Found]:  # noqa: ARG001  readers have one signature
    for number, line in enumerate(file.read_bytes().split(b"\n"), 1):
        if line.strip():
            where = f"{file}, line {number}"
            text = _text(file, line)
            if isinstance(text, Skipped):
                yield Skipped(where, text.why)
                continue
            try:
                raw = parse_json(text)
            except ValueError as e:
                yield Skipped(where, f"it is no JSON ({first_line(e)})")
                continue
            yield _row(raw, where, f"{file.stem} {number}")


def _parquet(file: Path, root: Path) -> Iterator[Found]:  # noqa: ARG001
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # Pictures and the like beside the text are left where they are.
        wanted = [c for c in pq.read_schema(file).names if c in _FIELDS]
        rows = pq.read_table(file, columns=wanted).to_pylist()
    except (pa.ArrowException, ValueError) as e:
        yield Skipped(str(file), f"it is no Parquet file ({first_line(e)})")
        return
    for number, raw in enumerate(rows, 1):
        yield _row(raw, f"{file}, row {number}", f"{file.stem} {number}")


READERS: Mapping[str, Callable[[Path, Path], Iterator[Found]]] = {".jsonl": _jsonl, ".parquet": _parquet}
"""Files of many documents, by their ending."""
_FIELDS = frozenset(Document.model_fields)


def _row(raw: Any, where: str, title: str) -> Found:
    """A document with the fields that we know; other columns are left aside."""
    if not isinstance(raw, dict) or not isinstance(raw.get("text"), str):
        return Skipped(where, 'it has no "text"')
    if not raw["text"].strip():
        return Skipped(where, "its text is empty")
    known = {k: v for k, v in raw.items() if k in _FIELDS and v is not None}
    if any(isinstance(v, str) and whole(v) != v for v in known.values()):
        return Skipped(where, "it holds half a character (an unpaired surrogate), which no UTF-8 text has")
    try:
        return Document.model_validate({"title": title, **known})
    except ValidationError as e:
        return Skipped(where, first_fault(e))


def _of_card(path: Path) -> Corpus:
    card = read_yaml(path, CorpusCard, "corpus card")
    file = path.parent / card.file
    found = list(_of_package(card.package) if card.package else _jsonl(file, path.parent))
    told = {"licence": card.licence, "source": card.source}
    return _made(card.name, [_with_defaults(f, told) for f in found])


def _with_defaults(found: Found, told: Mapping[str, str]) -> Found:
    if isinstance(found, Skipped):
        return found
    return found.model_copy(update={k: v for k, v in told.items() if k not in found.model_fields_set})


def _of_package(name: str) -> Iterator[Found]:
    spec = find_spec(name)
    for folder in map(Path, (spec.submodule_search_locations if spec else None) or ()):
        for file in sorted(folder.rglob("*.py")):
            for item in _read(file, folder):
                # A package's empty files say nothing of it.
                if isinstance(item, Document):
                    yield item.model_copy(update={"source": f"{name}/{item.title}"})


CATALOG: Catalog[Corpus] = Catalog("texts", singular="corpus", folder=DATA / "texts", parse=_of_card)
