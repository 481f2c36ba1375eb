"""Bugs planted one at a time, to prove that the simulation finds them."""
