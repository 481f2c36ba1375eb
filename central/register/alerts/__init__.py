"""Alerts: what the register found that somebody has to look at, and who did."""
