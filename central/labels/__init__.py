"""Labels of units: what they say, where it stands on them, and printers that print them."""
