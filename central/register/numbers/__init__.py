"""Number spaces and the blocks issued from them: a number is issued once."""
