"""Consignments: what goes from whom to whom, under which licence, and what came of it."""
