"""Telesis pin markers and lasers, over the Extended Protocol of their controllers."""
