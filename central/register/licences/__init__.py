"""Licences: active, suspended, revoked, expired."""
