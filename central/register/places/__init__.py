"""Places: an entity's sites, and the stores, bays, lines and stations below them."""
