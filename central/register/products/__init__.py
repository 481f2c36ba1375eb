"""Products: model, calibre, components, and what their symbol says."""
