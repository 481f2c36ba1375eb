"""Panasonic LP laser markers, in LP-400/V-compatible command mode."""
