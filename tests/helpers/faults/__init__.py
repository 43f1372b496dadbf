"""Runs that are stopped, starved and disturbed, and what becomes of them when they are taken up again."""
