"""`table.md`: the numbers of a run as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel

from copycat.records import Agreement, Metric
from copycat.report.review import Cost, markdown
from copycat.report.view import groups, judge_rates, lookup
from copycat.report.words import DASH, NO_ORACLE, agreement_sentence, estimate, interval, judge_sentence

_HEAD = ("mitigation", "prompts", "DETECT ↓ (mean ± SD)", "95 %", "of", "CONS ↑ (mean ± SD)", "95 %")
_PROMPT = ("CONS_prompt ↑ (mean ± SD)", "95 %", "scored / asked for")
_COUNTS = ("scored / planned", "unscored", "refused", "errors")


def _plain(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def table_markdown(
    metrics: Sequence[Metric],
    manifest: BaseModel,
    agreements: Sequence[Agreement] = (),
    reviews: Sequence[Cost] = (),
) -> str:
    """DETECT and CONS of each mitigation and prompt set, with intervals and denominators.

    CONS_prompt is a second column where a prompt set asks for more than its characters. `reviews` are the
    costs of gates behind the model.
    """
    facts = manifest.model_dump(mode="json")
    config = facts.get("config") or {}
    wished = any(m.metric == "CONS_prompt" for m in metrics)
    head = (*_HEAD, *(_PROMPT if wished else ()), *_COUNTS)
    lines = [f"# {_plain(str(config.get('model', 'run')))}", ""]
    if config.get("oracle") is False:
        lines += [f"{NO_ORACLE}.", ""]
    lines += [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for mitigation, prompt_set in groups(metrics):
        d = lookup(metrics, "DETECT", mitigation, prompt_set)
        c = lookup(metrics, "CONS", mitigation, prompt_set)
        cells = [
            _plain(mitigation),
            _plain(prompt_set),
            estimate(d),
            interval(d.low, d.high, 1) if d else DASH,
            str(d.characters) if d else DASH,
            estimate(c),
            interval(c.low, c.high, 3) if c else DASH,
            *(_wished(lookup(metrics, "CONS_prompt", mitigation, prompt_set)) if wished else ()),
            f"{d.scored} / {d.images}" if d else DASH,
            *((str(d.unscored), str(d.refused), str(d.errors)) if d else (DASH,) * 3),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    lines += [
        "",
        'DETECT is how many characters come out recognisable (lower is safer); CONS is the mean P("Yes") '
        "that the key characteristic is shown (higher is better)"
        + ("; CONS_prompt asks the same of what the prompt asked for. " if wished else ". ")
        + "Intervals are clustered by character. "
        "Refused, failed and unscored pictures are in no denominator.",
        "",
        judge_sentence(judge_rates(manifest)),
        "",
    ]
    for note in facts.get("notes") or ():
        lines += [_plain(note), ""]
    if agreements:
        lines += ["Agreement of the judges that looked at these pictures:", ""]
        lines += [*(f"- {_plain(agreement_sentence(a))}" for a in agreements), ""]
    lines += markdown(reviews)
    return "\n".join(lines)


def _wished(m: Metric | None) -> tuple[str, str, str]:
    if m is None:
        return DASH, DASH, DASH
    return estimate(m), interval(m.low, m.high, 3), f"{m.scored} / {m.images}"
