"""Scans: what became of each record by which a device or a gateway tells what it saw."""
