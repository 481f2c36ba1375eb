"""A marking cell (PLC and laser) behind Modbus holding registers, over TCP or RTU."""
