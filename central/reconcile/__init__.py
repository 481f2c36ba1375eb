"""The mass balance: every number that was ever issued has a term, or is named."""
