"""What tests start and speak with: real programs, and a gateway's side of the wire."""
