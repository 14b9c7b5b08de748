"""Runs the migrations in the transaction that `monitor.store.migrate` has opened: all of them, or none."""

from alembic import context

from monitor.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
