"""The process that turns what was scanned into events of the register."""
