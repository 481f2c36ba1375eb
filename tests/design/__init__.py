"""The design system: its tokens, its components, their words and their own page."""
