"""A measure: whether anybody wears a hat."""

from __future__ import annotations

from copycat.measures import Ask, YesNoMeasure


class Hat(YesNoMeasure):
    name = "HAT"
    title = "hats worn"
    about = 'Mean P("Yes") that somebody in the picture wears a hat, in [0, 1] (higher is better).'
    ask = Ask(kind="hat", text="Does anybody in this picture wear a hat? Answer Yes or No.")


HAT = Hat()
