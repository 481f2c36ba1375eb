"""The register of excluded persons and entities, and the screening of others against it."""
