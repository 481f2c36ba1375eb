"""The national register on PostgreSQL."""
