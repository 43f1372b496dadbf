"""Whether a data set keeps to the best practices for open data sets, item by item.

The items are those of Baack et al., "Towards Best Practices for Open Datasets for LLM Training" (2025, arXiv
2501.08365), each as something that can be looked for in a folder: a column, a file, a section, a hash that is
true. docs/audit.md lists them, and says what a pass does and does not mean.
"""
