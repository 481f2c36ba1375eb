"""Lots of ammunition: what was filled, what became of it, what it consists of."""
