"""A run's results in the formats in which others collect results, one file a format."""
