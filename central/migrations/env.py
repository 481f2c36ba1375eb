"""What Alembic runs: on the connection that `central.migrations.run` hands over, and no other."""

from alembic import context

from central.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
