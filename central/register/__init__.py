"""The register's subjects: models, repository and service of each. Services never commit."""
