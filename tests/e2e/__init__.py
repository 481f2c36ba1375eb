"""End to end: the demo as people run it, and the line on servers of the system."""
