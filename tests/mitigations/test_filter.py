"""What an output filter decides about a picture, without a picture or a judge."""

from __future__ import annotations

import pytest

from copycat.errors import RunConflict, UserError
from copycat.mitigations import RunContext, parse
from copycat.mitigations.base import JudgeFinding
from copycat.mitigations.filter import Filter
from copycat.records import Request
from tests.contracts.test_mitigations import CHARACTER, REGISTRY, REQUEST

OWN, OTHER = frozenset({"zori"}), frozenset({"kamo"})


def planned(spec: str, judge: str = "menagerie@1") -> tuple[Filter, Request]:
    """The filter, and a request that it planned to look at."""
    context = RunContext(REGISTRY, judge="menagerie", identify=lambda _: judge)
    composition = parse(spec).bind(context)
    (part,) = composition.parts
    assert isinstance(part, Filter)
    return part, part.edit_sampling(REQUEST, CHARACTER)


@pytest.mark.parametrize(
    ("spec", "seen", "redrawn", "action"),
    [
        ("filter[action=regenerate,tries=2]", OWN, 0, "redraw"),
        ("filter[action=regenerate,tries=2]", OWN, 1, "redraw"),
        ("filter[action=regenerate,tries=2]", OWN, 2, "refuse"),
        ("filter[action=regenerate,tries=2]", frozenset(), 0, "keep"),
        ("filter[action=regenerate,tries=2]", None, 0, "keep"),
        ("filter[action=refuse]", OWN, 0, "refuse"),
        ("filter[action=refuse]", OTHER, 0, "refuse"),
        ("filter[action=refuse,of=target]", OTHER, 0, "keep"),
        ("filter[action=refuse,of=target]", OWN | OTHER, 0, "refuse"),
    ],
)
def test_what_is_seen_is_redrawn_then_withheld(spec, seen, redrawn, action) -> None:
    part, request = planned(spec)
    assert part.reviews(request)
    assert part.review(request, JudgeFinding(seen, redrawn)) == action


def test_only_what_was_planned_is_looked_at_and_by_the_same_judge() -> None:
    part, request = planned("filter")
    assert not part.reviews(REQUEST)
    other, _ = planned("filter", judge="menagerie@2")
    with pytest.raises(RunConflict, match=r"judge of .* has changed"):
        other.reviews(request)


def test_the_step_says_who_looks_and_for_whom() -> None:
    (step,) = planned("filter[of=target]")[1].provenance
    assert step.result == {"judge": "menagerie@1", "target": "zori"}
    assert step.note == "judge: menagerie@1; target: zori"
    (step,) = planned("filter")[1].provenance
    assert (step.note, step.result) == ("judge: menagerie@1", {"judge": "menagerie@1", "target": None})


def test_a_judge_of_its_own_or_the_runs() -> None:
    assert planned("filter")[0].judge == "menagerie"
    assert planned("filter[judge=menagerie-embedding]")[0].judge == "menagerie-embedding"
    with pytest.raises(UserError, match="No picture is made here"):
        parse("filter").bind(RunContext(REGISTRY))
