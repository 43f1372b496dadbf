"""What the ladder decides about a picture, without a picture or a judge."""

from __future__ import annotations

import pytest

from copycat.errors import UnknownName, UserError
from copycat.mitigations import RunContext, parse
from copycat.mitigations.base import JudgeFinding
from copycat.mitigations.ladder import Ladder
from copycat.records import Request
from copycat.resolve import resolve_settings
from tests.contracts.test_mitigations import CHARACTER, REGISTRY, REQUEST


def planned(spec: str) -> tuple[Ladder, Request, list[str]]:
    """The ladder, a request that it planned to look at, and the judges whose identity was asked for."""
    asked: list[str] = []

    def identify(name: str) -> str:
        asked.append(name)
        return f"{name}@1"

    (part,) = parse(spec).bind(RunContext(REGISTRY, judge="menagerie", identify=identify)).parts
    assert isinstance(part, Ladder)
    return part, part.edit_sampling(REQUEST, CHARACTER), asked


def test_it_asks_the_registrys_own_ladder_from_its_rung_on() -> None:
    part, request, asked = planned("ladder[at=copy]")
    assert part.judge == "tiny-ladder[at=copy]"
    assert asked == [part.judge]
    (step,) = request.provenance
    assert (step.name, step.result) == ("ladder", {"judge": "tiny-ladder[at=copy]@1", "target": None})
    assert part.reviews(request)


def test_another_ladder_can_be_named() -> None:
    part, _, _ = planned("ladder[judge=mine]")
    assert part.judge == "mine[at=near-copy]"


@pytest.mark.parametrize(
    ("spec", "seen", "redrawn", "action"),
    [
        ("ladder[tries=1]", {"zori"}, 0, "redraw"),
        ("ladder[tries=1]", {"zori"}, 1, "refuse"),
        ("ladder[action=refuse]", {"kamo"}, 0, "refuse"),
        ("ladder[action=refuse,of=target]", {"kamo"}, 0, "keep"),
        ("ladder", set(), 0, "keep"),
    ],
)
def test_what_is_a_copy_is_redrawn_then_withheld(
    spec: str, seen: set[str], redrawn: int, action: str
) -> None:
    part, request, _ = planned(spec)
    assert part.review(request, JudgeFinding(frozenset(seen), redrawn)) == action


def test_a_registry_without_a_ladder_is_told_what_to_do() -> None:
    def unknown(name: str) -> str:
        raise UnknownName("judge", name, ["menagerie-ladder"])

    context = RunContext(REGISTRY, judge="menagerie", identify=unknown)
    with pytest.raises(UserError, match=r"tiny has no ladder of its own: .* called tiny-ladder"):
        parse("ladder").bind(context)
    with pytest.raises(UnknownName, match="mine"):
        parse("ladder[judge=mine]").bind(context)


def test_whom_it_asks_is_known_before_it_is_bound() -> None:
    (part,) = parse("ladder[at=exact]").parts
    assert part.asks("menagerie", "other") == "menagerie-ladder[at=exact]"
    with pytest.raises(UserError, match=r"tiny has no ladder of its own"):
        part.asks("tiny", "other")
    (named,) = parse("ladder[judge=mine]").parts
    assert named.asks("tiny", "other") == "mine[at=near-copy]"
    (plain,) = parse("filter").parts
    assert plain.asks("tiny", "other") == "other"
    (none,) = parse("none").parts
    assert none.asks("tiny", "other") is None


def test_a_run_asks_its_registrys_ladder() -> None:
    run = resolve_settings(model="menagerie", mitigations=("ladder[at=copy]",), prompts=("name",), limit=1)
    assert [card.name for card in run.filter_judges()] == ["menagerie-ladder[at=copy]"]
