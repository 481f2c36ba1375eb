"""Prints of labels: what was sent to which printer by whom, and what is known of it."""
