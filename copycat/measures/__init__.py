"""Measures: what is asked of a judge about pictures, and how answers become numbers."""

from copycat.measures.base import (
    CATALOG,
    Measure,
    YesNoMeasure,
    measure,
    measures,
)
from copycat.measures.cons import CONS, CONS_PROMPT
from copycat.measures.detect import DETECT, DETECT_TARGETED
from copycat.measures.evidence import Evidence, Observation
from copycat.measures.innocent import FALSE_ALARM, MOVED
from copycat.measures.questions import Ask

__all__ = [
    "CATALOG",
    "CONS",
    "CONS_PROMPT",
    "DETECT",
    "DETECT_TARGETED",
    "FALSE_ALARM",
    "MOVED",
    "Ask",
    "Evidence",
    "Measure",
    "Observation",
    "YesNoMeasure",
    "measure",
    "measures",
]
