"""Proposals: what needs a second person is asked for by one, and done when another confirms."""
