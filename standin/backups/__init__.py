"""Backups to another place, and restores that really restore."""
