"""Imports: what was there before the register, brought in by files of many rows."""
