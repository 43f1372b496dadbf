"""People in the loop: a page on this machine on which raters label the pictures of a run."""
