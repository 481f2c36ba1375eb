"""Alerts: the rules, an alert's life, and word of it at real servers."""
