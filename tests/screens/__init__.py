"""The registry's pages, without a browser."""
