"""Alembic's migrations; `python -m central migrate` runs them."""
