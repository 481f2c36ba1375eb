"""What every driver has to hold, tried on a device: simulated, or the real one.

It stands above `drivers` and `simulators`; nothing of the system imports it (decision 0048).
"""
