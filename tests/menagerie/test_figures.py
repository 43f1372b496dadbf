"""The menagerie's figures: those of before are read, and what a judge's card cites of them."""

from __future__ import annotations

import pytest

from copycat.menagerie.card import bars, read_figures
from copycat.menagerie.evaluate import error_rates
from copycat.stats.prevalence import judge_error


def test_the_shipped_figures_are_told_under_the_names_of_today() -> None:
    told = [bar.what for bar in bars(read_figures())]
    for kind in ("identify", "verify"):
        assert f"judge on 2000 held-out renders, question `{kind}`: κ, FPR on look-alikes" in told


def test_what_the_judges_card_cites_reads_for_both_questions() -> None:
    figures = read_figures()
    rates = error_rates(figures)
    for kind in ("identify", "verify"):
        error, measured = judge_error(rates, kind), figures["judge"][kind]
        assert error is not None
        assert error.sensitivity == measured["tpr"]
        assert error.specificity == pytest.approx(1 - measured["fpr"])
        assert (error.positives, error.negatives) == (measured["positives"], measured["negatives"])
    assert judge_error(rates, "key") is None
