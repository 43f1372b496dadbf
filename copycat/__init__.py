"""copycat measures how readily image generators reproduce protected characters, and what stops them."""

__version__ = "0.1.0"
