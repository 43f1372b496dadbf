"""The filter and the score, against what follows from their definitions by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from copycat.errors import BadFile, UserError
from copycat.imitation.filtering import calibrate, shows
from copycat.imitation.scores import Scored, imitation, in_order, read_score_table, read_scores


def at(*degrees: float) -> npt.NDArray[np.float32]:
    """Unit vectors in the plane."""
    turned = np.radians(np.asarray(degrees, float))
    return np.stack([np.cos(turned), np.sin(turned)], axis=1).astype(np.float32)


def cos(degrees: float) -> float:
    return float(np.cos(np.radians(degrees)))


def test_the_cut_lies_half_way_between_within_and_between() -> None:
    found = calibrate({"a": at(0, 10), "b": at(80, 100)})
    assert found.within == pytest.approx(cos(20))
    between = np.mean([cos(80), cos(100), cos(70), cos(90)])
    assert found.between == pytest.approx(between)
    assert found.lower == pytest.approx((cos(20) + between) / 2)
    # The closest pair of two concepts is 70 degrees apart, the widest pair of one 20.
    assert cos(70) < found.higher < cos(20)
    assert found.apart
    assert (found.at("lower"), found.at("higher")) == (found.lower, found.higher)


def test_an_encoder_that_confuses_is_known() -> None:
    assert not calibrate({"a": at(0, 90), "b": at(10, 80)}).apart


@pytest.mark.parametrize("gold", [{}, {"a": at(0, 10)}, {"a": at(0), "b": at(90)}])
def test_a_filter_takes_two_concepts_and_a_pair(gold: dict[str, npt.NDArray[np.float32]]) -> None:
    with pytest.raises(UserError, match="of two concepts or more"):
        calibrate(gold)


def test_a_picture_counts_by_its_nearest_reference() -> None:
    assert shows(at(5, 40, 88), at(0, 90), cos(10)).tolist() == [True, False, True]
    assert shows(at(), at(0), 0.5).tolist() == []
    assert shows(at(5), at(), 0.5).tolist() == [False]


def test_the_score_is_that_of_the_training_pictures_nearest_on_average() -> None:
    # Two of four: those at 10 and 20 degrees are on average the nearest to pictures at 10 and 30.
    found = imitation(at(10, 20, 60, 90), at(10, 30), nearest=2)
    assert found == pytest.approx(((cos(0) + cos(10)) / 2, (cos(20) + cos(10)) / 2))
    everything = imitation(at(10, 20, 60, 90), at(10, 30), nearest=10)
    assert everything[0] == pytest.approx(np.mean([cos(0), cos(10), cos(50), cos(80)]))


def test_the_order_of_training_pictures_does_not_matter() -> None:
    random = np.random.default_rng(0)
    training, made = at(*random.uniform(0, 90, 30)), at(*random.uniform(0, 40, 7))
    assert imitation(training, made) == imitation(training[::-1], made)


def test_a_score_takes_pictures_on_both_sides() -> None:
    for sides in ((at(), at(1)), (at(1), at())):
        with pytest.raises(ValueError, match="training pictures and generated ones"):
            imitation(*sides)


def test_a_concept_counts_its_prompts_alike() -> None:
    s = Scored("a", 3, ((0.2, 0.4), (0.9,)))
    assert s.score == pytest.approx(0.6)
    assert s.spread == pytest.approx(np.std([0.3, 0.9], ddof=1))
    assert s.pictures == 3
    assert Scored("a", 3, ((0.2, 0.4),)).spread is None


def test_a_table_of_scores(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    path.write_text(
        "concept,count,score,prompt\nb,5,0.1,p\na,5,0.3,p\na,5,0.5,p\na,5,-0.2,q\n", encoding="utf-8"
    )
    found = in_order(read_scores(path))
    assert [s.concept for s in found] == ["a", "b"]
    assert found[0].prompts == ((0.3, 0.5), (-0.2,))
    assert found[0].names == ("p", "q")


def test_a_table_of_scores_says_who_belongs_together_and_what_was_counted(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    path.write_text(
        "concept,group,count,unit,score\na@0,a,5,captions,0.1\na@1,a,9,captions,0.2\nb,,5,,0.3\n",
        encoding="utf-8",
    )
    found = read_score_table(path)
    assert [s.group for s in found.scored] == ["a", "a", ""]
    assert found.unit == "captions"
    assert list(found.scored) == read_scores(path)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("concept,group,count,score\na,g,1,0.5\na,h,1,0.5\n", "is in the group 'h', and in 'g' further up"),
        ("concept,count\na,1\n", "has no number in a column score"),
        ("concept,count,score\na,1,high\n", "is no number"),
        ("concept,count,score\na,1,nan\n", "score"),
        ("concept,count,score\na,1,0.5\na,2,0.5\n", "a has the count 2, and 1 further up"),
        ("concept,count,score\n", "has no scores"),
    ],
)
def test_what_is_no_table_of_scores_is_refused(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "scores.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadFile) as e:
        read_scores(path)
    assert why in str(e.value)
