"""`copycat count`: how many captions of a corpus name each character, and beside which words."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

if TYPE_CHECKING:
    from copycat.subjects.counts import Counts

_err = partial(typer.echo, err=True)


def count(
    context: typer.Context,
    corpus: list[str] | None = typer.Argument(
        None,
        help="Caption files (Parquet; JSONL, CSV, TSV and text, also .gz, .zst or .bz2; WebDataset .tar), "
        "folders or patterns of them, addresses such as s3://… and hf://datasets/…, or a dataset on the hub.",
    ),
    registry: str = typer.Option("copycat", help="Character registries: names or YAML files, with commas."),
    out: Path = typer.Option(Path("counts.json"), help="The counts file to write."),
    name: str | None = typer.Option(None, help="What the corpus is called; the first source when left out."),
    column: str | None = typer.Option(None, help="Column of the captions; found by itself when left out."),
    distinct: bool = typer.Option(
        False, "--distinct", help="Count captions that are alike to the letter once."
    ),
    words: int = typer.Option(1_000, min=0, help="How many words beside each name are kept; 0 for none."),
    any_name: bool = typer.Option(
        False, "--any-name", help="Count names that are function words too, such as 'It'."
    ),
    engine: Literal["processes", "ray"] = typer.Option("processes", help="Where shards are counted."),
    workers: int | None = typer.Option(None, min=1, help="Shards at a time; one for each core by default."),
    address: str | None = typer.Option(
        None, help="Of the Ray cluster, host:port or auto; else one is begun."
    ),
    keep_parts: bool = typer.Option(False, "--keep-parts", help="Keep each shard's numbers beside OUT."),
    index: str | None = typer.Option(None, help="Address of an index to ask in place of reading captions."),
    index_kind: Literal["elasticsearch", "infini-gram"] = typer.Option(
        "elasticsearch", help="What answers at that address."
    ),
    index_name: str | None = typer.Option(None, help="Which of its indices."),
    index_field: str = typer.Option("caption", help="Elasticsearch: the field that holds captions."),
    index_key: str | None = typer.Option(None, help="The environment variable that holds a key for it."),
    index_words: Path | None = typer.Option(
        None, help="Elasticsearch: a keyword list (YAML) of words to count beside the names."
    ),
) -> None:
    """Count in how many captions each character is named; the same command again resumes."""
    from copycat.cli.parsing import items
    from copycat.errors import UserError
    from copycat.subjects.characters import load_registry

    if index is not None:
        if corpus:
            raise UserError("--index asks an index in place of reading captions; leave the files out.")
        if idle := _given(context, _OF_CAPTIONS):
            raise UserError(f"--index asks an index in place of reading captions; leave out {idle}.")
        if not index_name:
            raise UserError("Say with --index-name which index is meant.")
        from copycat.counting.asking import count_in_index
        from copycat.counting.index import KINDS, Server

        people = [load_registry(r) for r in items(registry)]
        told = _command(
            [], registry=_registries(registry), name=name, index=_called(index), index_kind=index_kind,
            index_name=index_name, index_field=index_field, index_key=index_key,
            index_words=_called(str(index_words)) if index_words else None,
        )  # fmt: skip
        beside = _beside(index_words, index_kind)
        server = Server(index, index_key)
        try:
            asked = KINDS[index_kind](server, index_name, index_field)
            counts = count_in_index(asked, people, beside, name or index_name, told, out, tell=_err)
        finally:
            server.close()
        _check_name(name, counts, out)
        _tell(counts, out)
        return
    if idle := _given(context, _OF_INDICES):
        raise UserError(f"Without --index no index is asked; add its address, or leave out {idle}.")
    if not corpus:
        raise UserError("Name the caption files to count, or with --index an index to ask.")
    from copycat.counting.corpus import About, count_corpus
    from copycat.counting.engines import Workers
    from copycat.counting.names import concepts
    from copycat.counting.parts import Rule
    from copycat.counting.shards import find_shards
    from copycat.runtime.progress import for_stream

    if address and engine != "ray":
        raise UserError("--address is that of a Ray cluster; add --engine ray.")
    people = [load_registry(r) for r in items(registry)]
    told = _command(
        corpus, registry=_registries(registry), name=name, column=column, distinct=distinct, words=words,
        any_name=any_name,
    )  # fmt: skip
    outcome = count_corpus(
        find_shards(corpus),
        Rule(concepts(people, any_name=any_name), column, distinct),
        About(name or _called(corpus[0]), told, tuple(f"{r.name} {r.version}" for r in people)),
        out,
        engine=engine,
        workers=Workers(workers, address),
        keep_words=words,
        keep_parts=keep_parts,
        progress=for_stream(),
        tell=_err,
    )
    _check_name(name, outcome.counts, out)
    _tell(outcome.counts, out)
    if outcome.skipped:
        many = len(outcome.skipped)
        _err(f"Shards skipped, which are in no count: {many}. Mend them and run the same command again.")
        raise typer.Exit(1)


_OF_CAPTIONS = ("column", "distinct", "words", "any_name", "engine", "workers", "address", "keep_parts")
_OF_INDICES = ("index_kind", "index_name", "index_field", "index_key", "index_words")
"""Options that have no meaning with --index, and those that have none without it."""


def _given(context: typer.Context, options: Sequence[str]) -> str:
    """Those of `options` that the command line has, as they are typed there."""
    # What was typed may be the default, so values do not say it.
    sources = ((o, context.get_parameter_source(o)) for o in options)
    return ", ".join(
        f"--{o.replace('_', '-')}" for o, source in sources if source and source.name == "COMMANDLINE"
    )


_LOCAL = re.compile(r"(?:^|::)(?:file|local)://", re.I)
"""Addresses of files of this machine."""


def _called(source: str) -> str:
    """What a source is called in a file that may be published: no folders of this machine, no passwords."""
    from copycat.counting.shards import is_on_hub
    from copycat.io.secrets import redact

    if "://" in source and not _LOCAL.search(source):
        return redact(source)
    return source if is_on_hub(source) else Path(source).name or source


def _registries(given: str) -> str:
    from copycat.cli.parsing import items

    return ",".join(map(_called, items(given)))


def _command(corpus: Sequence[str], **options: str | int | bool | None) -> str:
    """The command that makes the same numbers again, as a shell takes it; no default is repeated."""
    words = ["copycat", "count", *map(_called, corpus)]
    for option, value in options.items():
        if value is None or value is False or _DEFAULTS.get(option) == value:
            continue
        words.append(f"--{option.replace('_', '-')}")
        if value is not True:
            words.append(str(value))
    return shlex.join(words)


_DEFAULTS = {"words": 1_000, "index_field": "caption"}


def _beside(words: Path | None, kind: str) -> Mapping[str, Sequence[str]]:
    """The words to be asked for beside the names, by slug."""
    from copycat.errors import UserError
    from copycat.mining.lists import load_candidates

    if words is not None and kind != "elasticsearch":
        raise UserError(
            "--index-words needs an index of documents, which infini-gram's is not; leave it out."
        )
    return load_candidates(words) if words is not None else {}


def _check_name(name: str | None, counts: Counts, out: Path) -> None:
    """Refuse a name that the file does not have, since it was complete and stays as it is."""
    from copycat.errors import UserError

    if name and name != counts.corpus:
        raise UserError(
            f"In {out}, which is left as it is, the corpus is called {counts.corpus}; leave --name out, or "
            f"remove {out} to count again."
        )


def _tell(counts: Counts, out: Path) -> None:
    """The ten most frequent characters, and where the rest is."""
    total = "" if counts.total is None else f"; {counts.total:,} in all"
    named = [c for c in counts.characters if c.count]
    typer.echo(f"{counts.title}: {len(named)} of {len(counts.characters)} characters named{total}")
    for c in sorted(named, key=lambda c: (-c.count, c.slug))[:10]:
        doubt = f", {c.doubtful:,} of them by a common word alone" if c.doubtful else ""
        typer.echo(f"  {c.name}: {c.count:,}{doubt}")
    typer.echo(f"In {out}; a registry cites it with `counts: [{out.name}]`, a report with --counts {out}")
