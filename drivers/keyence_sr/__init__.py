"""Keyence SR code readers on their own commands."""
