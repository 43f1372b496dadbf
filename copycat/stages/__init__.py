"""Stages: plan, generate, judge, score, report; each re-runnable alone on a run folder."""
