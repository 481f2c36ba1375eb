"""Fills an empty register with a plausible life, for measurements and for trying it out at size.

What it writes is what ingest and acts would have written: signed plans, signed batches that decode
and verify, and the rows that follow from them, by COPY. `rebuild` gives the same tables.
"""
