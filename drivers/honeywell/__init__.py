"""Honeywell scanners on serial programming commands."""
