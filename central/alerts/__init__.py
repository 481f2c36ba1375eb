"""The watch: looks at what changed, raises alerts, and sends word of them."""
