"""What a study leaves beside its runs: page, table, figures."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from copycat.io.atomic import write_bytes, write_text
from copycat.report.markdown import grid
from copycat.report.words import number
from copycat.robustness import words
from copycat.robustness.cells import Guard, Share, Table, Test
from copycat.robustness.matrix import picture
from copycat.robustness.study import Study
from copycat.runs.data import RunData

PAGE, MARKDOWN, CSV = "robustness.html", "robustness.md", "robustness.csv"
_FIELDS = (
    "guardrail", "kind", "who", "attack", "prompts", "detect", "low", "high", "these_low", "these_high",
    "pictures", "asked", "cons", "against_plain", "against_plain_p", "against_plain_holm",
    "against_plain_all", "against_unguarded", "against_unguarded_p", "against_unguarded_holm",
    "against_unguarded_all", "queries", "steps", "seconds", "seconds_to_erase", "price",
)  # fmt: skip


def write(study: Study, found: Table, attacked: RunData, others: RunData) -> list[Path]:
    """Write all of it to the study's folder; returns the files."""
    from copycat.robustness.page import render

    out = study.out
    write_text(out / CSV, csv_text(found))
    write_text(out / MARKDOWN, markdown(study, found))
    made = [out / PAGE, out / MARKDOWN, out / CSV]
    for prompts in dict.fromkeys(g.prompt_set for g in found.guards):
        for form in ("png", "svg"):
            path = out / f"robustness-{prompts}.{form}"
            write_bytes(path, picture(found, prompts, form, heading(study, prompts)))
            made.append(path)
    write_text(out / PAGE, render(study, found, attacked, others))
    return made


def heading(study: Study, prompts: str) -> str:
    """What the figure of a prompt set is called."""
    who = words.count(len(study.people.erased), "guarded character")
    return (
        f"{study.attacked.card.title}: {who}, asked for by {prompts}, {words.count(len(study.seeds), 'seed')}"
    )


def csv_text(found: Table) -> str:
    """One line a guardrail and attack, and one a guardrail and kind of other character."""
    out = io.StringIO()
    writer = csv.DictWriter(out, _FIELDS, lineterminator="\n", restval="")
    writer.writeheader()
    for guard in found.guards:
        writer.writerows(_lines(guard))
    return out.getvalue()


def _lines(guard: Guard) -> Iterator[dict[str, object]]:
    same = {
        "guardrail": guard.spec,
        "kind": guard.kind,
        "prompts": guard.prompt_set,
        "seconds_to_erase": "" if guard.seconds is None else guard.seconds,
        "price": "" if guard.price is None else round(guard.price.value, 4),
    }
    for attack, cell in guard.cells.items():
        took = cell.took
        yield {
            **same,
            "who": "erased",
            "attack": attack,
            **_numbers(cell.detect, cell.cons),
            **_test("against_plain", cell.attacked),
            **_test("against_unguarded", cell.guarded),
            "queries": _rounded(took.queries if took else None),
            "steps": _rounded(took.steps if took else None),
            "seconds": _rounded(took.seconds if took else None),
        }
    for who, side in guard.sides.items():
        yield {
            **same,
            "who": who,
            "attack": "none",
            **_numbers(side.detect, side.cons),
            **_test("against_unguarded", side.lost),
        }


def _numbers(detect: Share | None, cons: Share | None) -> dict[str, object]:
    told: dict[str, object] = {"cons": _rounded(cons.value if cons else None)}
    if detect is None:
        return told
    return {
        **told,
        "detect": _rounded(detect.value),
        "low": _rounded(detect.alike.low),
        "high": _rounded(detect.alike.high),
        "these_low": _rounded(detect.these.low),
        "these_high": _rounded(detect.these.high),
        "pictures": detect.pictures,
        "asked": detect.asked,
    }


def _test(name: str, test: Test | None) -> dict[str, object]:
    if test is None:
        return {}
    found = {name: _rounded(test.found.difference.value)}
    if test.adjusted is not None:
        found |= {
            f"{name}_p": _rounded(test.adjusted.p),
            f"{name}_holm": _rounded(test.adjusted.holm),
            f"{name}_all": _rounded(words.together(test.adjusted)),
        }
    return dict(found)


def _rounded(value: float | None) -> float | str:
    return "" if value is None else round(value, 4)


def markdown(study: Study, found: Table) -> str:
    """The table for people who read text."""
    lines = [
        f"# Robustness of guardrails: {study.attacked.card.title}",
        "",
        words.soundness(found),
        "",
        words.ABOUT,
        "",
    ]
    lines += [_whom(study), ""]
    called = words.labels(found.attacks)
    for prompts in dict.fromkeys(g.prompt_set for g in found.guards):
        guards = [g for g in found.guards if g.prompt_set == prompts]
        lines += [f"## Prompts: {prompts}", ""]
        head = (
            "guardrail", "acts on", "pre-ASR", *(called[a] for a in found.attacks[1:]), "neighbours",
            "unrelated", "neutral: price", "CONS", "seconds to erase",
        )  # fmt: skip
        lines += grid(head, [_row(g, found.attacks) for g in guards])
        lines += [f"### What attacks add, and what they took ({prompts})", ""]
        head = (
            "guardrail",
            "attack",
            "ASR",
            "against the plain prompt",
            "against no guardrail",
            "a search took",
        )
        lines += grid(
            head,
            [
                (
                    f"`{g.spec}`", f"`{a}`", _with_range(c.detect), words.change(c.attacked),
                    words.change(c.guarded), words.effort(c.took),
                )
                for g in guards
                for a, c in g.cells.items()
                if a != found.attacks[0]
            ],
        )  # fmt: skip
    lines += [f"All {found.tests} paired tests are one family (Westfall and Young 1993).", ""]
    return "\n".join(lines)


def _row(guard: Guard, attacks: tuple[str, ...]) -> tuple[str, ...]:
    return (
        f"`{guard.spec}`",
        guard.kind,
        *(_with_range(guard.cells[a].detect) for a in attacks),
        *(
            _with_range(guard.sides[w].detect) if w in guard.sides else "–"
            for w in ("neighbours", "unrelated")
        ),
        words.price(guard.price),
        number(guard.plain.cons.value if guard.plain.cons else None, 2),
        words.seconds(guard.seconds),
    )


def _with_range(found: Share | None) -> str:
    spread = words.range_of(found)
    return words.percent(found) + (f" ({spread})" if spread else "")


def _whom(study: Study) -> str:
    people = study.people
    near = "; ".join(
        f"{n.character.name} like {n.near.name} ({', '.join(n.shared) or 'nothing'})"
        for n in people.neighbours
    )
    far = ", ".join(n.character.name for n in people.unrelated)
    return (
        f"Erased or guarded: {', '.join(c.name for c in people.erased)}. Neighbours, with what they share: "
        f"{near}. Unrelated: {far}."
    )
