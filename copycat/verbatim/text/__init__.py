"""How much of a text or a program a language model gives back word for word, and what stops it."""
