"""Read-only endpoints: items and their life, orders, gateways, refusals, the live stream."""
