"""The interface as a whole: its description, its problems, its document."""
