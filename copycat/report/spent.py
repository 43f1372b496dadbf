"""What a run's hosted calls came to, in a sentence."""

from __future__ import annotations

from copycat.runs.data import RunData


def sentences(run: RunData) -> list[str]:
    """Calls, tokens and dollars, and what was taken from other runs; none for a run on this machine alone."""
    spent, found = run.manifest.spent, []
    if spent is not None and spent.calls:
        made = [
            f"{n:,} {one if n == 1 else more}"
            for n, one, more in (
                (spent.pictures, "picture", "pictures"),
                (spent.answers, "answer", "answers"),
                (spent.replies, "reply of a language model", "replies of language models"),
            )
            if n
        ]
        told = f"{spent.calls:,} hosted calls"
        told += f" for {_listed(made)}" if made else ", none of which was answered,"
        if spent.tokens_in or spent.tokens_out:
            told += f", {spent.tokens_in:,} tokens in and {spent.tokens_out:,} out"
        told += f", cost ${spent.counted:.2f}"
        if spent.open_usd:
            told += f", of which ${spent.open_usd:.2f} are calls that broke off and may have been paid"
        if spent.unknown:
            told += f", and what {spent.unknown:,} of them cost is not known"
        found.append(f"{told}.")
    reused = [
        f"{n:,} {one if n == 1 else more}"
        for n, one, more in (
            (sum(row.reused for row in run.images.values()), "picture", "pictures"),
            (sum(v.reused for v in run.verdicts), "answer", "answers"),
        )
        if n
    ]
    if reused:
        found.append(f"{_listed(reused)} are those of earlier runs, taken from the cache, and cost nothing.")
    return found


def _listed(parts: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))
