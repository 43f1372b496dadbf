"""Generators: what turns requests into pictures."""
