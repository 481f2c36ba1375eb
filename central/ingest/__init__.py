"""Batches in, receipts out: persist, then acknowledge."""
