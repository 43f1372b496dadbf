"""People in the loop: a local page on which raters label a run's pictures, blind to every verdict."""
