"""Orders: how many of a product, under which licence, at which gateways."""
