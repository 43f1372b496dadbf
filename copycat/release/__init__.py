"""copycat's own data set, `copycat dataset`, and whether something is in a data set, `copycat lookup`.

What the data set holds is declared in `data/release/release.yaml`; docs/dataset.md is about it.
"""
