"""What somebody else's package may add to copycat; found by its entry points alone."""
