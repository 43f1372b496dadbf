"""The price on the innocent: what it counts, and where it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from copycat.measures import CONS_PROMPT, DETECT, FALSE_ALARM, MOVED
from copycat.measures.summary import summarise
from copycat.records import Shift
from copycat.report import render_page
from copycat.report.price import _by_prompt, headline, prices
from copycat.report.table import table_markdown
from copycat.runs.data import RunData
from copycat.stats.differences import fixed_difference
from tests.helpers.innocents import WithInnocents
from tests.helpers.synthetic import SyntheticRun


def test_the_price_is_what_is_lost_and_a_refused_picture_loses_all(tmp_path: Path):
    free = WithInnocents(tmp_path / "a").add_innocents()
    (price,) = prices(free)
    assert price.value == pytest.approx(0.2)
    assert (price.pairs, price.refused) == (12, 0)
    dear = WithInnocents(tmp_path / "b").add_innocents(refused=3)
    (price,) = prices(dear)
    assert price.value == pytest.approx((9 * 0.2 + 3 * 0.9) / 12)
    assert price.refused == 3
    assert price.cons is not None
    assert price.cons.value == pytest.approx(0.7)
    assert headline([price], "negprompt") == price
    assert headline([price], "rewrite") is None


def test_innocent_pictures_are_in_no_number_about_characters(tmp_path: Path):
    run = WithInnocents(tmp_path)
    before = [m for m in summarise(run.data().judged) if m.metric == DETECT.name]
    data = run.add_innocents()
    assert [m for m in data.metrics if m.metric == DETECT.name] == before
    assert {m.metric for m in data.metrics if m.prompt_set == "also:neutral"} == {
        CONS_PROMPT.name,
        FALSE_ALARM.name,
    }
    assert all(s == "name" for _, s in data.groups)


@pytest.mark.parametrize(("refused", "opened", "alarms"), [(0, False, 0.0), (0, True, 1.0), (6, False, 0.5)])
def test_false_alarms_are_refusals_and_open_gates(tmp_path, refused, opened, alarms):
    data = WithInnocents(tmp_path).add_innocents(refused, opened)
    found = data.metric(FALSE_ALARM, "negprompt", "also:neutral")
    assert found is not None
    assert found.value == pytest.approx(alarms)
    plain = data.metric(FALSE_ALARM, "none", "also:neutral")
    assert plain is not None
    assert plain.value == 0


def test_distances_are_of_the_pictures_that_are_there(tmp_path: Path):
    run = WithInnocents(tmp_path)
    data = run.add_innocents()
    guarded = [r for r in data.requests if r.prompt_set == "also:neutral" and r.mitigation == "negprompt"]
    rows = [
        Shift(request=r.id, pictures=(data.images[r.id].sha256 or "", "p"), encoder="e@1", distance=d)
        for r, d in zip(guarded, (0.1, 0.3, None), strict=False)
    ]
    stale = Shift(request=guarded[3].id, pictures=("another", "p"), encoder="e@1", distance=0.9)
    data = RunData(**{**vars(run.data()), "shift_rows": [*rows, stale]})
    assert list(data.shifts.values()) == [0.1, 0.3]
    (moved,) = (m for m in summarise(data.judged) if m.metric == MOVED.name)
    assert moved.scored == 2
    # The first two are of one character.
    assert moved.value == pytest.approx(0.2)


def test_the_price_stands_in_table_and_page(tmp_path: Path):
    data = WithInnocents(tmp_path).add_innocents()
    text = table_markdown(data)
    assert "price on the innocent ↓" in text.splitlines()[2]
    assert "+0.200" in text
    page = render_page(data)
    assert 'id="prices"' in page
    assert "+0.200" in page
    plain = SyntheticRun(tmp_path / "plain").data()
    assert 'id="prices"' not in render_page(plain)
    assert "innocent" not in table_markdown(plain)


def test_another_prompt_of_a_character_is_no_other_draw_of_the_same(tmp_path: Path):
    run = WithInnocents(tmp_path)
    run.add_innocents()
    # Each prompt twice, alike in both draws; the two prompts of a character lose 0 and 0.6.
    first = [r for r in run.requests if r.prompt_set == "also:neutral"]
    shas = {row.request: row.sha256 for row in run.image_rows}
    run.verdicts = [v for v in run.verdicts if v.kind != "content"]
    for r in first:
        again = r.model_copy(update={"run_seed": 1, "seed": r.seed + 1}).with_id()
        run.requests.append(again)
        row = next(i for i in run.image_rows if i.request == r.id)
        run.image_rows.append(row.model_copy(update={"request": again.id}))
        p = 0.9 - (0.6 * r.prompt_index if r.mitigation != "none" else 0)
        run.verdicts += [run._verdict(x, str(shas[r.id]), p) for x in (r, again)]
    data = run.data()
    run.metrics = summarise(data.judged)
    (price,) = prices(run.data())
    assert price.value == pytest.approx(0.3)
    steps = [[0.0, 0.0], [0.6, 0.6]] * 6
    own = fixed_difference(steps, 1.0)
    assert (price.fixed_low, price.fixed_high) == pytest.approx((own.low, own.high))
    assert price.low <= price.fixed_low < price.fixed_high <= price.high


def test_characters_weigh_the_same_whatever_prompts_they_have():
    losses = [[[0.2, 0.4]], [[0.0], [0.1, 0.1], [0.5, 0.3]]]
    value = (0.3 + 1.0 / 5) / 2
    found = _by_prompt(losses, value)
    assert sum(sum(d) / len(d) for d in found) / 4 == pytest.approx(value)
    # The first weighs a half and not a quarter, so its draws lie twice as far apart.
    assert found[0][1] - found[0][0] == pytest.approx(0.4)
    even = [[[0.2, 0.4], [0.1, 0.1]], [[0.0, 0.2], [0.5, 0.3]]]
    assert _by_prompt(even, 0.225) == [pytest.approx(d) for c in even for d in c]
