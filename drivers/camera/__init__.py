"""A camera as a code reader: the picture is the wire."""
