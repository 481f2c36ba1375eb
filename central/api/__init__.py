"""The HTTP interface, `/api/v1`: what it asks of a caller, and who answers."""
