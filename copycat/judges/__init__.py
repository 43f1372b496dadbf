"""Judges: what looks at a picture and answers questions about it."""
