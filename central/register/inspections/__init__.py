"""Inspections: planned, begun, what was found, what was ordered, what was done about it."""
