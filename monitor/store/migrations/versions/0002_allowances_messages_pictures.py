"""What was spent of allowances, messages that came in, and pictures of failures."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_BIG_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "allowances",
        sa.Column("probe", sa.Integer, sa.ForeignKey("probes.id"), primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("spent", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "inbound_messages",
        sa.Column("number", _BIG_KEY, primary_key=True),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("received_ms", sa.BigInteger, nullable=False),
        sa.Column("unique_key", sa.Text),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("channel", "unique_key", name="inbound_messages_once"),
        sqlite_autoincrement=True,
    )
    op.create_index("inbound_messages_by_channel", "inbound_messages", ["channel", "number"])
    op.create_table(
        "pictures",
        sa.Column("result_id", _BIG_KEY, sa.ForeignKey("results.id"), primary_key=True, autoincrement=False),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("media_type", sa.Text, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )
