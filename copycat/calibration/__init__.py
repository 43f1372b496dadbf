"""How far judges can be believed: labels, the comparison with them, its tables and plots."""
