"""How many training pictures it takes until a model imitates: the imitation threshold.

The method is that of Verma et al., "How Many Van Goghs Does It Take to Van Gogh?" (2024, arXiv
2410.15002): concepts are sorted by how often the training data shows them, each gets a score for how much
the model's pictures are like its training pictures, and the threshold is the count at which that score
first jumps. What is added to it, and how often it is right, is in docs/threshold.md.

Other thresholds in copycat are something else: those of similarity detectors (`copycat calibrate`) and of
gates.
"""
