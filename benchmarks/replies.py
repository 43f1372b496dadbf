"""How well judges' replies are read, by class: `python -m benchmarks.replies` prints a table for each half.

A false detection is a reply that does not name the character and is read as if it did; a missed one is any
that names it and is read in another way; a scored abstention is one that gives no answer and is read as one.
The halves lie in tests/data/replies; the words of every reply that is read wrongly follow the table.
"""

from __future__ import annotations

import sys

from tests.helpers.replies import Case, errors, halves, read_half


def row(name: str, cases: list[Case]) -> str:
    e = errors(cases)
    return (
        f"| {name} | {len(cases)} | {e.false}/{e.not_detected} | {e.missed}/{e.detected} "
        f"| {e.scored}/{e.unscored} | {e.doubtful_otherwise}/{e.doubtful} |\n"
    )


def main() -> None:
    for half in halves():
        cases = read_half(half)
        out = f"\n{half.stem}\n\n"
        out += "| class | replies | false | missed | scored abstentions | doubtful otherwise |\n"
        out += "|---|---|---|---|---|---|\n"
        for kind in dict.fromkeys(c.kind for c in cases):
            out += row(kind, [c for c in cases if c.kind == kind])
        out += row("all", cases)
        wrong = [c for c in cases if c.got != c.expected]
        out += "".join(f"\n{c.id}: {c.expected}, read as {c.got}: {c.reply!r}" for c in wrong)
        sys.stdout.write(out + "\n")


if __name__ == "__main__":
    main()
