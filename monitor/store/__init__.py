"""Durable facts: results, runs, heartbeats, terms, sample marks. SQLAlchemy Core; nothing in here computes uptime."""
