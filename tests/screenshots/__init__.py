"""The pictures of the screens in docs/screens: `make screenshots`, on the real programs."""
