"""Zebra (Symbol) code readers over the Simple Serial Interface (SSI)."""
