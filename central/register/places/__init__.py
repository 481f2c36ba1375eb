"""Places: an entity's sites, and the stores, lines and stations below them."""
