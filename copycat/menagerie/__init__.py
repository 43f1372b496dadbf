"""The menagerie: an invented world with a known corpus, a generator and a judge trained on it."""
