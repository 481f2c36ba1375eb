"""The real programs for minutes on end, while everything around them fails; then all is counted."""
