"""The near-verbatim ladder for pictures: from a copy pixel for pixel down to the style alone.

A picture of a run is compared with references (`copycat.copies`), gets the highest rung that it reaches, and
is shown beside the reference that it reaches it with.
"""
