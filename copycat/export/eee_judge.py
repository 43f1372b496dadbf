"""How numbers were scored, as Every Eval Ever has it: by which judges, how asked, and how far they err."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from copycat.cards.judges import load_judge_card
from copycat.errors import UserError
from copycat.export.eee_parts import Asked, Configuration, model_info
from copycat.export.models import judge_of
from copycat.measures import Measure
from copycat.measures.questions import Ask
from copycat.records import Named, Verdict, YesNo
from copycat.report.words import agreement_sentence, is_calibrated, judge_sentence
from copycat.runs.data import RunData
from copycat.runs.manifest import RECORDED
from copycat.stats.prevalence import rates_of

_VOTES = {"majority": "majority_vote", "mean": "average"}
"""Of a panel's votes those that the schema has a word for."""
_RATES = ("kappa", "tpr", "fpr", "fpr_lookalike", "n", "positives", "negatives")


def asked(run: RunData) -> Mapping[str, Asked]:
    """What the judges of `run` were asked, by the kind of question; in one pass, since verdicts may be very
    many."""
    voters: dict[str, dict[str, None]] = {}
    questions: dict[str, set[str]] = {}
    spoken: dict[str, set[str]] = {}
    for v in run.verdicts:
        if v.judge == run.judge:
            voters.setdefault(v.kind, {}).update(dict.fromkeys(v.voters))
            seen = questions.setdefault(v.kind, set())
            # Two tell that they differ.
            if len(seen) < 2:
                seen.add(v.question)
        if _in_words(v):
            spoken.setdefault(v.kind, set()).add(v.judge)
    found = {}
    for kind, put in questions.items():
        members = tuple(voters[kind]) or (run.judge,)
        found[kind] = Asked(
            members, next(iter(put)) if len(put) == 1 else "", not spoken.get(kind, set()).isdisjoint(members)
        )
    return found


def scoring(c: Configuration, measure: Measure) -> dict[str, Any]:
    """What `metric_config` says of the judge; nothing for a measure that asks none.

    `llm_scoring` is told of judges that are asked in words; of detectors, which compare features, and of
    answers that were recorded elsewhere, which may be a person's, the details alone.
    """
    if measure.ask is None:
        return {}
    run, kind = c.run, measure.ask.kind
    found, details = c.asked.get(kind), _details(run, kind, c.mitigation)
    if found is None or not found.in_words:
        return {"additional_details": {"judge": run.judge, **details}}
    votes = _VOTES.get(_vote(run.judge)) if len(found.members) > 1 else None
    return {
        "llm_scoring": {
            "judges": [{"model_info": model_info(judge_of(j), j.partition("@")[0])} for j in found.members],
            "input_prompt": found.question or _template(run, measure.ask),
            **({"aggregation_method": votes} if votes else {}),
            "additional_details": details,
        }
    }


def _in_words(verdict: Verdict) -> bool:
    """Whether an answer is one to a question in words that was put here: a yes or no, or a reply that was
    read for names."""
    answer = verdict.answer
    words = isinstance(answer, YesNo) or (isinstance(answer, Named) and answer.figures is not None)
    return words and not verdict.judge.startswith(RECORDED)


def _template(run: RunData, ask: Ask) -> str:
    """The question with its places, where it is another for each picture."""
    try:
        style = load_judge_card(run.judge.partition("@")[0]).style
    except UserError:
        style = "plain"
    return run.registry.wording(ask.kind, ask.styles.get(style, ask.text)).replace(
        "{noun}", run.registry.noun
    )


def _vote(judge: str) -> str:
    try:
        return load_judge_card(judge.partition("@")[0]).vote
    except UserError:
        return ""


def _details(run: RunData, kind: str, mitigation: str) -> Mapping[str, str]:
    """Its error rates on labelled pictures for this question, and its agreement with other judges."""
    rates = run.rates
    told: dict[str, str] = {"question": kind, "calibration": judge_sentence(rates)}
    found = rates_of(rates or {}, kind) if is_calibrated(rates) else None
    for name in _RATES if found else ():
        if (found or {}).get(name) is not None:
            told[name] = str((found or {})[name])
    if found and any(how == mitigation for _, how, *_ in found.get("cells") or ()):
        told["calibrated_under_this_mitigation"] = "true"
    with_others = [agreement_sentence(a) for a in run.agreement if a.kind == kind and run.judge in a.judges]
    if with_others:
        told["agreement_with_other_judges"] = "; ".join(with_others)
    return told
