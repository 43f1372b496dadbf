"""A calibration as tables: Markdown, CSV and LaTeX."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from copycat.cards.calibration import LABEL, Breakdown, Calibration, Judged, Reference, Share, Subgroup
from copycat.measures import measures
from copycat.report.files import csv_content
from copycat.report.judge_errors import by_mitigation
from copycat.report.latex import floating, tabular, tex
from copycat.report.markdown import grid
from copycat.report.words import DASH, interval, number

WORST = 12
"""Characters listed for each judge, those with most errors first."""
_BREAKDOWNS: dict[Breakdown, str] = {
    "seen": "By what raters saw",
    "model": "By model",
    "mitigation": "By mitigation",
    "prompts": "By prompt set",
}
_HEAD = (
    *("judge", "question", "n", "accuracy", "κ [95 %]", "TPR [95 %]", "FPR [95 %]"),
    *("FPR on look-alikes [95 %]", "AUROC", "TPR at 1 % FPR", "unscored"),
)
REMARKS = (
    "κ is Cohen's, with a bootstrap interval over characters. TPR and FPR are sensitivity and 1 − "
    "specificity, with counts and exact binomial intervals at the effective number of pictures, clustered by "
    "character (Korn and Graubard 1998); files of earlier versions have Wilson's, which are too narrow.",
    "Look-alikes are pictures in which raters saw a look-alike or another character.",
    "TPR at 1 % FPR is told from 100 negatives on; its threshold is the best on these very labels.",
)


def share_words(s: Share) -> str:
    """`1.6 % [1.0, 2.6] (12/739)`; a dash without trials."""
    if s.value is None or s.low is None or s.high is None:
        return DASH
    return f"{100 * s.value:.1f} % [{100 * s.low:.1f}, {100 * s.high:.1f}] ({s.hits}/{s.n})"


def names(calibration: Calibration) -> dict[str, str]:
    """What each judge is called in a table: its card's name, unless others go by that too."""
    judges = dict.fromkeys(j.judge for j in calibration.judges if j.question != LABEL)
    short = Counter(j.partition("@")[0] for j in judges)
    called = {j: j.partition("@")[0] if short[j.partition("@")[0]] == 1 else j for j in judges}
    return called | {j.judge: j.judge for j in calibration.judges if j.question == LABEL}


def rater_sentence(calibration: Calibration) -> str:
    """How far the raters agree, in one line."""
    r = calibration.raters
    if not r.items:
        return "Raters: no picture has labels of two raters, so how far they agree is unknown."
    whose = [x.name for x in r.raters if x.makes_truth]
    only = "" if len(whose) == len(r.raters) else f" (of {', '.join(whose)} alone)"
    return (
        f"Raters{only}: Fleiss' κ {number(r.fleiss, 3)}, Krippendorff's α {number(r.alpha, 3)} "
        f"{interval(r.alpha_low, r.alpha_high, 3)}, unanimous on {share_words(r.unanimous)} of the pictures "
        "that two or more labelled."
    )


def sentences(calibration: Calibration) -> list[str]:
    """What was compared with what, and what was left out."""
    c = calibration
    true = f"as the rater {c.truth[0]} says" if len(c.truth) == 1 else f"as most of {', '.join(c.truth)} say"
    told = [
        f"Compared on {c.items} pictures, each with a character, of {', '.join(c.models)}; {c.positives} of "
        f"them show it, {true}."
    ]
    if c.ties:
        told.append(f"Left out: {c.ties} pictures on which as many raters say yes as no.")
    if c.unanswered:
        told.append(f"Left out: {c.unanswered} pictures of which none of these raters gave an answer.")
    if c.unknown_labels:
        told.append(f"Left out: {c.unknown_labels} labels of {c.unknown_images} pictures that are not here.")
    return told


def error_sentences(calibration: Calibration) -> list[str]:
    """Whether each judge errs alike under all mitigations, and how its rates move with the raters."""
    told, called = [], names(calibration)
    for judge in dict.fromkeys(j.judge for j in calibration.judges if j.question != LABEL):
        found = by_mitigation(calibration.rates(judge), tabled=False)
        told += [f"{called[judge]}: {sentence}" for sentence in found]
    moved = [j for j in calibration.judges if j.reference and j.question != LABEL]
    told += [f"{called[j.judge]} ({j.question}): {_reference(j.reference)}" for j in moved if j.reference]
    if not moved:
        told.append(
            "One rater says what is true, so how the rates move with the rater is unknown and in no interval."
        )
    return told


def _reference(found: Reference) -> str:
    tpr, fpr = (DASH if x is None else f"{100 * x:.1f}" for x in (found.tpr_sd, found.fpr_sd))
    return (
        f"with other raters like these {found.raters}, TPR and FPR would move by {tpr} and {fpr} points "
        "(SD), which is in their intervals; what all raters get wrong together is not."
    )


def markdown(calibration: Calibration, plot: str | None = None) -> str:
    """The whole calibration; `plot` is the file name of its picture."""
    c, called = calibration, names(calibration)
    out = [f"# Calibration: {_plain(', '.join(c.runs))}", "", *map(_plain, sentences(c)), ""]
    out += ["## Raters", "", rater_sentence(c), ""]
    out += _grid(
        ("rater", "labels", "missing", "makes the truth"),
        [(r.name, str(r.labels), str(r.missing), "yes" if r.makes_truth else "no") for r in c.raters.raters],
    )
    pairs = [(" and ".join(p.raters), number(p.kappa, 3), share_words(p.agree)) for p in c.raters.pairs]
    out += _grid(("raters", "Cohen's κ", "the same"), pairs)
    out += ["## Judges", "", *_grid(_HEAD, _lines(c)), *(f"- {r}" for r in REMARKS)]
    out += [f"- {_plain(sentence)}" for sentence in error_sentences(c)]
    out += [
        f"- {j.not_asked} labels are of another character than {_plain(called[j.judge])} was asked about."
        for j in c.judges
        if j.not_asked
    ]
    out.append("")
    if plot:
        out += [f"![ROC curves, precision and recall, and reliability of the graded answers]({plot})", ""]
    out += _thresholds(c)
    for by, title in _BREAKDOWNS.items():
        out += _breakdown(c, by, title)
    out += _worst(c)
    out += ["## Made by", "", f"`{_plain(c.command)}`, commit {c.commit or 'unknown'}, copycat {c.copycat}."]
    out += ["", f"Labels: {_plain(c.labels)}, SHA-256 {c.labels_sha256}. Judges, by identity:", ""]
    out += [*(f"- {_plain(j)}" for j in dict.fromkeys(j.judge for j in c.judges)), ""]
    return "\n".join(out)


def comparison(sets: Mapping[str, Calibration], title: str, notes: Sequence[str]) -> str:
    """Judges on several sets of pictures, a table each, as Markdown."""
    out = [f"# {title}", ""]
    for name, c in sets.items():
        out += [
            f"## {name}",
            "",
            *map(_plain, sentences(c)),
            *([rater_sentence(c)] if c.raters.items else []),
        ]
        out += ["", *_grid(_HEAD, _lines(c))]
    return "\n".join([*out, *(f"- {r}" for r in (*REMARKS, *notes)), ""])


def comparison_latex(sets: Mapping[str, Calibration], title: str, notes: Sequence[str], label: str) -> str:
    """The same for LaTeX, with booktabs."""
    head = [" & ".join(map(tex, _HEAD)) + r" \\"]
    tables = [
        [rf"\par {tex(f'{name}. {sentences(c)[0]}')}\par", *tabular("ll" + "r" * 9, head, _lines(c))]
        for name, c in sets.items()
    ]
    return floating(tables, (*REMARKS, *notes), title, label)


def csv_text(sets: Mapping[str, Calibration]) -> str:
    """One line a set, judge and question, with the counts and what follows from them."""
    rows = [dict(_fields(name, c, j)) for name, c in sets.items() for j in c.judges]
    return csv_content(list(rows[0]) if rows else ["pictures"], rows)


def _plain(text: str) -> str:
    """One line of Markdown without markup: what raters and files are called is text."""
    for c, safe in (("&", "&amp;"), ("<", "&lt;"), ("|", "\\|")):
        text = text.replace(c, safe)
    return " ".join(text.split())


def _grid(head: Sequence[str], lines: Sequence[Sequence[str]]) -> list[str]:
    if not lines:
        return []
    return grid(head, lines, _plain)


def _question(j: Judged) -> str:
    """The question and what it counts, or that there was none."""
    if j.question == LABEL:
        return "rater"
    counted = [m.name for m in measures() if m.ask and m.ask.kind == j.question]
    return f"{' and '.join(counted)} ({j.question})" if counted else j.question


def _lines(calibration: Calibration) -> list[tuple[str, ...]]:
    called = names(calibration)
    return [
        (
            called[j.judge],
            _question(j),
            str(j.counts.n),
            f"{100 * (j.accuracy.value or 0):.1f} %",
            f"{number(j.kappa, 3)} {interval(j.kappa_low, j.kappa_high, 3)}",
            *map(share_words, (j.tpr, j.fpr, j.fpr_lookalike)),
            number(j.scores.auroc, 4) if j.scores else DASH,
            number(j.scores.tpr_at_1_fpr, 4) if j.scores else DASH,
            str(j.unscored),
        )
        for j in calibration.judges
    ]


def _thresholds(c: Calibration) -> list[str]:
    called = names(c)
    scored = [(called[j.judge], j.scores) for j in c.judges if j.scores]
    if not scored:
        return []
    worth = [(name, *(number(x, 4) for x in (s.average_precision, s.ece, s.brier))) for name, s in scored]
    cuts = [
        (
            *(name, t.rule, f"{t.threshold:.4g}", share_words(t.tpr), share_words(t.fpr)),
            *(share_words(x) if x else DASH for x in (t.held_out_tpr, t.held_out_fpr)),
        )
        for name, s in scored
        for t in s.thresholds
    ]
    rules = ("judge", "rule", "yes above", "TPR", "FPR", "TPR, held out", "FPR, held out")
    return [
        "## Scores and thresholds",
        "",
        *_grid(("judge", "average precision ↑", "ECE ↓", "Brier score ↓"), worth),
        *_grid(rules, cuts),
        "Held out: each half of the labels under the threshold that the other half gives. ECE and Brier "
        "score are of P(Yes); the score of a similarity detector is no probability.",
        "",
    ]


def _breakdown(c: Calibration, by: Breakdown, title: str) -> list[str]:
    called = names(c)
    lines = [
        (
            *(p.name, called[j.judge], _question(j), str(p.n)),
            *(f"{p.tp}/{p.positives}", f"{p.fp}/{p.negatives}"),
        )
        for j in c.judges
        for p in j.parts
        if p.by == by
    ]
    head = ("", "judge", "question", "n", "found, of those that show it", "taken for it, of the others")
    # Sorted by the part alone, so that judges stay in their order.
    return [f"## {title}", "", *_grid(head, sorted(lines, key=lambda line: line[0]))] if lines else []


def _worst(c: Calibration) -> list[str]:
    def wrong(p: Subgroup) -> int:
        return p.fp + p.fn

    called = names(c)
    lines: list[tuple[str, ...]] = []
    more = 0
    for j in c.judges:
        erring = sorted((p for p in j.parts if p.by == "character" and wrong(p)), key=lambda p: -wrong(p))
        more += len(erring[WORST:])
        lines += [
            (called[j.judge], _question(j), p.name, f"{wrong(p)}/{p.n}", str(p.fn), str(p.fp))
            for p in erring[:WORST]
        ]
    head = ("judge", "question", "character", "wrong", "missed", "taken for it")
    rest = [f"{more} more are in the JSON file.", ""] if more else []
    return ["## Characters with errors", "", *_grid(head, lines), *rest] if lines else []


def _fields(name: str, c: Calibration, j: Judged) -> Iterator[tuple[str, object]]:
    yield from (
        ("pictures", name),
        ("judge", names(c)[j.judge]),
        ("identity", j.judge),
        ("question", j.question),
    )
    yield from (("truth", " and ".join(c.truth)), ("n", j.counts.n))
    yield from j.counts.model_dump().items()
    shares = {"accuracy": j.accuracy, "tpr": j.tpr, "fpr": j.fpr, "fpr_lookalike": j.fpr_lookalike}
    for key, s in shares.items():
        value = None if s.value is None else round(s.value, 6)
        yield from ((key, value), (f"{key}_low", s.low), (f"{key}_high", s.high))
        yield (f"{key}_effective", s.effective)
    yield ("lookalikes", j.fpr_lookalike.n)
    yield from (("kappa", j.kappa), ("kappa_low", j.kappa_low), ("kappa_high", j.kappa_high))
    for key in ("auroc", "average_precision", "tpr_at_1_fpr", "ece", "brier"):
        yield (key, getattr(j.scores, key) if j.scores else None)
    yield from (("unscored", j.unscored), ("command", c.command), ("commit", c.commit))
