"""Sanctions: what the registry imposes on an entity, and what that changes at once."""
