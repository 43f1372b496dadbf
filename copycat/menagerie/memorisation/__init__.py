"""Memorisation against imitation: newcomers of whom a model sees few pictures often, or many once.

Characters that the shipped generator has never seen get n different pictures, each of them d times. A
picture of a newcomer that is a near copy of one of those n is memorised; one that shows the newcomer
otherwise is imitation. Since something is near by chance among many pictures of one character, the same
outputs are compared with n pictures of the newcomer that no model saw.
"""
