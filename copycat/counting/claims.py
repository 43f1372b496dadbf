"""Whose a counts file and its folder of parts are, so that no command overwrites what another has counted."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from copycat.errors import BadFile, RunConflict
from copycat.io.atomic import write_text
from copycat.subjects.counts import Counts, read_counts_file

_OWNER = "owner"
"""The file in a folder of parts that says whose they are."""


@dataclass(frozen=True)
class Claim:
    """What a command counts, as two hashes."""

    command: str
    """Of what is asked for: sources, names and settings. It stays when a shard is mended or a file is added
    to a folder, so that the same command goes on with what is finished."""
    content: str
    """Of all that the finished numbers follow from."""

    @classmethod
    def of(cls, command: Iterable[str], content: Iterable[str]) -> Claim:
        """That of a command that these texts describe."""
        return cls(_hash(command), _hash(content))

    def identity(self, *, complete: bool) -> str:
        """How a counts file says by which command it was written; one that lacks shards says no content."""
        return f"{self.command}.{self.content if complete else ''}"


def _hash(told: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(told).encode()).hexdigest()


def parts_folder(out: Path) -> Path:
    """Where what is finished for the counts file `out` is kept until all is."""
    return out.with_name(f"{out.name}.parts")


def finished(out: Path, claim: Claim, keep_words: int | None = None) -> Counts | None:
    """The counts in `out` where they are those of `claim`, which keeps `keep_words` words beside each name;
    None where they are still to be made.

    Raises RunConflict where `out` is anything else, and BadFile where it is a folder.
    """
    if out.is_dir():
        raise BadFile(f"{out} is a folder; name the file to write, such as --out {out / 'counts.json'}.")
    if not out.exists():
        return None
    try:
        there = read_counts_file(out)
    except BadFile as e:
        raise RunConflict(f"{out} is there and no counts file; choose another --out.") from e
    command, _, content = there.identity.partition(".")
    if content == claim.content and not parts_folder(out).exists():
        return there
    if command == claim.command and (not content or parts_folder(out).exists()):
        return None
    if command == claim.command and keep_words != there.words_kept:
        raise RunConflict(
            f"{out} keeps {there.words_kept} words beside each name, and --words says {keep_words}; remove "
            f"{out} or choose another --out."
        )
    if command == claim.command:
        raise RunConflict(
            f"The files of {there.corpus} have changed since {there.date}, when {out} was made; remove {out} "
            "or choose another --out."
        )
    raise RunConflict(
        f"{out} holds counts of other files, names or settings ({there.corpus}, {there.date}); choose "
        "another --out, or remove it."
    )


def take(folder: Path, claim: Claim, corpus: str) -> None:
    """Say that the parts in `folder` are those of `claim`, whose corpus is called `corpus`.

    Raises RunConflict where they are another's.
    """
    owner = folder / _OWNER
    try:
        command, _, called = owner.read_text(encoding="utf-8").partition("\n")
    except FileNotFoundError:
        command, called = ("", "unknown") if holds_parts(folder) else (claim.command, corpus)
        if command:
            write_text(owner, f"{command}\n{called}\n")
    if command != claim.command:
        raise RunConflict(
            f"{folder} keeps what was counted of other files, names or settings ({called.strip()}); choose "
            f"another --out, or remove that folder."
        )


def holds_parts(folder: Path) -> bool:
    """Whether anything that was counted is kept in `folder`."""
    return any(folder.glob("*.json"))
