"""A kind of study as somebody else would add it: guess the class of each row, right with a stated chance."""
