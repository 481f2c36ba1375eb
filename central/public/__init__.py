"""What of the register everybody may know, and how it is told (decision 0046)."""
