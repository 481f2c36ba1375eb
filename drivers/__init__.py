"""Bytes to devices: knows nothing of serial numbers, orders or MQTT."""
