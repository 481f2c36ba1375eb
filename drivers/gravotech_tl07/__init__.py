"""Gravotech (Technifor) laser markers with a TL07 controller, over its line of text commands."""
