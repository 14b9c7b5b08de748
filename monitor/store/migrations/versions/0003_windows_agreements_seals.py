"""Declared windows, the agreement in force, what was done about outages, seals and their keys, and prunings."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "windows",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("recorded_ms", sa.BigInteger, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("replaces", sa.Integer),
        sa.Column("kind", sa.Text),
        sa.Column("start_ms", sa.BigInteger),
        sa.Column("end_ms", sa.BigInteger),
        sa.Column("components", sa.Text, nullable=False),
        sa.Column("announced_ms", sa.BigInteger),
        sa.Column("reason_class", sa.Text),
        sa.Column("approver", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "agreements",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("from_ms", sa.BigInteger, nullable=False),
        sa.Column("recorded_ms", sa.BigInteger, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "clock_events",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("outage", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("recorded_ms", sa.BigInteger, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("via", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    _create_seals()
    op.create_table(
        "prunings",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("pruned_ms", sa.BigInteger, nullable=False),
        sa.Column("before_ms", sa.BigInteger, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )


def _create_seals() -> None:
    op.create_table(
        "seal_keys",
        sa.Column("fingerprint", sa.Text, primary_key=True),
        sa.Column("public_key", sa.LargeBinary, nullable=False),
        sa.Column("made_ms", sa.BigInteger, nullable=False),
        sa.Column("previous", sa.Text),
        sa.Column("signature", sa.LargeBinary),
    )
    op.create_table(
        "seals",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("sealed_ms", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("key", sa.Text, sa.ForeignKey("seal_keys.fingerprint"), nullable=False),
        sa.Column("signature", sa.LargeBinary, nullable=False),
        sa.Column("header", sa.LargeBinary, nullable=False),
        sa.Column("leaves", sa.LargeBinary, nullable=False),
    )
