"""Alembic's folder: how an older store becomes a current one. Run by `monitor.store.migrate`, never by hand."""
