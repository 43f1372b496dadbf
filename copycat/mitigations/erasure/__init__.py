"""Erasing concepts from the weights of a model: one method a file."""
