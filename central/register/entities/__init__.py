"""Licensed entities: who may produce."""
