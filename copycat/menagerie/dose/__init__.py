"""How many pictures it takes, checked: newcomers to the menagerie in numbers that are chosen.

In the shipped corpus every character has one count, so what its count does cannot be told from what else it
is. Here characters that the shipped generator has never seen get 0, 5, 10 … 2,000 pictures, each another
number in each of several trainings; all else is the same.
"""
