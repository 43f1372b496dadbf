"""The items of the audit, one file for each side of a data set."""
