"""The other end of every wire, and the physical truth: what is engraved on which part."""
