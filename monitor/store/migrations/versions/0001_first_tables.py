"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_BIG_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _names()
    _results()
    _settings()
    _facts()


def _names() -> None:
    for table, name in (("probes", "probe"), ("locations", "location"), ("reasons", "reason"), ("steps", "step")):
        op.create_table(
            table,
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column(name, sa.Text, nullable=False, unique=True),
        )
    op.create_table(
        "writers",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("boot_id", sa.Text, nullable=False, unique=True),
        sa.Column("location", sa.Integer, sa.ForeignKey("locations.id"), nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("started_ms", sa.BigInteger, nullable=False),
    )


def _results() -> None:
    op.create_table(
        "results",
        sa.Column("id", _BIG_KEY, primary_key=True, autoincrement=False),
        sa.Column("probe", sa.Integer, sa.ForeignKey("probes.id"), nullable=False),
        sa.Column("location", sa.Integer, sa.ForeignKey("locations.id"), nullable=False),
        sa.Column("started_ms", sa.BigInteger, nullable=False),
        sa.Column("duration_us", sa.BigInteger, nullable=False),
        sa.Column("verdict", sa.SmallInteger, nullable=False),
        sa.Column("reason", sa.Integer, sa.ForeignKey("reasons.id")),
        sa.Column("step", sa.Integer, sa.ForeignKey("steps.id")),
    )
    op.create_table(
        "evidence",
        sa.Column("result_id", _BIG_KEY, sa.ForeignKey("results.id"), primary_key=True, autoincrement=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("content", sa.LargeBinary),
    )
    op.create_table(
        "runs",
        sa.Column("id", _BIG_KEY, primary_key=True),
        sa.Column("probe", sa.Integer, sa.ForeignKey("probes.id"), nullable=False),
        sa.Column("location", sa.Integer, sa.ForeignKey("locations.id"), nullable=False),
        sa.Column("verdict", sa.SmallInteger, nullable=False),
        sa.Column("first_ms", sa.BigInteger, nullable=False),
        sa.Column("last_ms", sa.BigInteger, nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("stale_ms", sa.BigInteger, nullable=False),
        sa.Column("confirm_after", sa.Integer, nullable=False),
        sa.Column("reason", sa.Integer, sa.ForeignKey("reasons.id")),
        sa.Column("step", sa.Integer, sa.ForeignKey("steps.id")),
        sa.Column("first_id", sa.BigInteger, nullable=False),
        sa.Column("last_id", sa.BigInteger, nullable=False),
    )
    op.create_index("runs_by_probe", "runs", ["probe", "location", "first_ms"])


def _settings() -> None:
    op.create_table(
        "probe_terms",
        sa.Column("probe", sa.Integer, sa.ForeignKey("probes.id"), primary_key=True),
        sa.Column("location", sa.Integer, sa.ForeignKey("locations.id"), primary_key=True),
        sa.Column("from_ms", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("component", sa.Text),
        sa.Column("every_ms", sa.BigInteger, nullable=False),
        sa.Column("stale_ms", sa.BigInteger, nullable=False),
        sa.Column("confirm_after", sa.Integer, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
    )
    op.create_table(
        "meta",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("value", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "imports",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("file_name", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("imported_ms", sa.BigInteger, nullable=False),
    )
    meta = sa.table("meta", sa.column("key"), sa.column("value"))
    op.bulk_insert(meta, [{"key": "ledger_generation", "value": 0}, {"key": "terms_version", "value": 0}])


def _facts() -> None:
    op.create_table(
        "lives",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("writer", sa.Integer, sa.ForeignKey("writers.id"), nullable=False),
        sa.Column("first_ms", sa.BigInteger, nullable=False),
        sa.Column("last_ms", sa.BigInteger, nullable=False),
        sa.Column("stopped_ms", sa.BigInteger),
    )
    op.create_table(
        "sample_runs",
        sa.Column("serial", sa.Text, primary_key=True),
        sa.Column("first_s", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("last_s", sa.BigInteger, nullable=False),
        sa.Column("period_s", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
    )
    op.create_table(
        "memory",
        sa.Column("probe", sa.Integer, sa.ForeignKey("probes.id"), primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.create_table(
        "schedule_events",
        sa.Column("id", _BIG_KEY, primary_key=True),
        sa.Column("probe", sa.Integer, sa.ForeignKey("probes.id"), nullable=False),
        sa.Column("location", sa.Integer, sa.ForeignKey("locations.id"), nullable=False),
        sa.Column("scheduled_ms", sa.BigInteger, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("late_ms", sa.BigInteger, nullable=False),
    )
