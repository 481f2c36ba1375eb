"""Numbers of units: SSCCs and licence plates that the register gives, each once."""
