"""The registry's pages: marks as they arrive, and the life of each item."""
