"""Keyence MD laser markers, over their ASCII lines of WX and RX commands."""
