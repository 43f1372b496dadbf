"""How near pictures come to references: the rungs of the near-verbatim ladder, and the search for what is
nearest.

From a picture that is the same in every pixel to one that merely looks as if it came from the same hand, each
rung has a likeness and a threshold, and thresholds are measured on pairs whose relation is known
(`calibration.py`). The rungs above `style` say that one picture was copied from another; that a *character*
is shown is another matter, which judges answer.
"""
