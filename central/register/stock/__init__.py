"""Stock: what the register expects at a place, and counts of what is there."""
