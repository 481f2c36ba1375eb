"""Articles: what the register follows through its life, and the events that tell of it."""
