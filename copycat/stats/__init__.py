"""Statistics: intervals, tests, errors of judges and agreement of raters, on scipy and statsmodels."""
