"""Microscan and Omron MicroHAWK code readers over K-commands."""
