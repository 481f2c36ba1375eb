"""People at a gateway: pseudonyms and hashes, no names."""
