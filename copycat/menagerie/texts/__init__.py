"""A small language model whose training text is known to the word, and how often each passage stood in it."""
