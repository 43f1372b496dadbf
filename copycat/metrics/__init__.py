"""Metrics: pure functions from verdicts to numbers."""
