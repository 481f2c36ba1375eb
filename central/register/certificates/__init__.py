"""Certificates: type approvals, acceptance of lots and items, proof tests."""
