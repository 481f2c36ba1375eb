"""Licences: applied for, refused, issued, renewed, amended, suspended, reinstated, revoked."""
