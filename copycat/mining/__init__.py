"""Which words go with a character: rankings, and the prompt sets made of them."""
