"""A measure that copycat does not know, as another package would bring it, and a run that has it."""

from __future__ import annotations

import pytest

from copycat.measures import CATALOG, CONS, Ask, YesNoMeasure
from copycat.records import Verdict, YesNo
from copycat.subjects.characters import Character
from tests.helpers.synthetic import SyntheticRun


class WearsHat(YesNoMeasure):
    name = "HAT"
    title = "wears a hat"
    about = 'The mean P("Yes") that a hat is worn, in [0, 1] (higher is better).'
    ask = Ask(kind="hat", text="Does the {noun} in this picture wear a hat? Answer Yes or No.")

    def caption(self, character: Character) -> str:
        return f"P({character.name} wears a hat)"


HAT = WearsHat()


def install_hat(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the measure into the catalogue, for one test."""
    monkeypatch.setitem(CATALOG.builtin, HAT.name, f"{__name__}:HAT")


def add_hat(run: SyntheticRun) -> SyntheticRun:
    """Answers and numbers of the measure: a hat on half of the pictures, fewer under negprompt."""
    worn = {"none": 0.5, "negprompt": 0.25}
    mitigations = {r.id: r.mitigation for r in run.requests}
    for v in [v for v in run.verdicts if v.kind == CONS.ask.kind]:
        answer = YesNo(p_yes=worn[mitigations[v.request]], answer_probability=1.0)
        told: dict[str, object] = {"kind": "hat", "question": "hat", "question_hash": "hat", "answer": answer}
        run.verdicts.append(Verdict.model_validate({**v.model_dump(), **told}))
    change = {"metric": HAT.name, "images": 18, "scored": 16}
    for m in [m for m in run.metrics if m.metric == CONS.name]:
        value = worn[m.mitigation]
        new = {**change, "value": value, "low": value - 0.1, "high": value + 0.1, "fixed_low": value - 0.05}
        run.metrics.append(m.model_copy(update=new))
    return run
