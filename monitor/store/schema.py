"""The tables. Rows of results are narrow, because a year has millions of them: names are small integers, times are
UTC milliseconds, and there is no index but the primary key. Results of a probe and a time are found through its runs.

A change here goes with a new file in `migrations/versions` and a new `HEAD`.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)

from monitor.sla.model import Verdict

HEAD = "0003"

# In the order in which results of one time count: a database can sort by it. SQLite needs no byte for 0 and 1.
VERDICT_CODES = {Verdict.UP: 0, Verdict.UNKNOWN: 1, Verdict.DOWN: 2}
VERDICTS = {code: verdict for verdict, code in VERDICT_CODES.items()}

metadata = MetaData()

# SQLite numbers the rows by themselves only where the type is called INTEGER.
BigKey = BigInteger().with_variant(Integer(), "sqlite")

probes = Table(
    "probes", metadata, Column("id", Integer, primary_key=True), Column("probe", Text, nullable=False, unique=True)
)
locations = Table(
    "locations",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("location", Text, nullable=False, unique=True),
)
reasons = Table(
    "reasons", metadata, Column("id", Integer, primary_key=True), Column("reason", Text, nullable=False, unique=True)
)
steps = Table(
    "steps", metadata, Column("id", Integer, primary_key=True), Column("step", Text, nullable=False, unique=True)
)

# One start of a daemon.
writers = Table(
    "writers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("boot_id", Text, nullable=False, unique=True),
    Column("location", ForeignKey("locations.id"), nullable=False),
    Column("version", Text, nullable=False),
    Column("started_ms", BigInteger, nullable=False),
)

results = Table(
    "results",
    metadata,
    Column("id", BigKey, primary_key=True, autoincrement=False),
    Column("probe", ForeignKey("probes.id"), nullable=False),
    Column("location", ForeignKey("locations.id"), nullable=False),
    Column("started_ms", BigInteger, nullable=False),
    Column("duration_us", BigInteger, nullable=False),
    Column("verdict", SmallInteger, nullable=False),
    Column("reason", ForeignKey("reasons.id")),
    Column("step", ForeignKey("steps.id")),
)

evidence = Table(
    "evidence",
    metadata,
    Column("result_id", BigKey, ForeignKey("results.id"), primary_key=True, autoincrement=False),
    Column("detail", Text, nullable=False),
    Column("content", LargeBinary),
)

# `first_id` and `last_id` are the smallest and the greatest id among the run's results.
runs = Table(
    "runs",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("probe", ForeignKey("probes.id"), nullable=False),
    Column("location", ForeignKey("locations.id"), nullable=False),
    Column("verdict", SmallInteger, nullable=False),
    Column("first_ms", BigInteger, nullable=False),
    Column("last_ms", BigInteger, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("stale_ms", BigInteger, nullable=False),
    Column("confirm_after", Integer, nullable=False),
    Column("reason", ForeignKey("reasons.id")),
    Column("step", ForeignKey("steps.id")),
    Column("first_id", BigInteger, nullable=False),
    Column("last_id", BigInteger, nullable=False),
    Index("runs_by_probe", "probe", "location", "first_ms"),
)

probe_terms = Table(
    "probe_terms",
    metadata,
    Column("probe", ForeignKey("probes.id"), primary_key=True),
    Column("location", ForeignKey("locations.id"), primary_key=True),
    Column("from_ms", BigInteger, primary_key=True, autoincrement=False),
    Column("component", Text),
    Column("every_ms", BigInteger, nullable=False),
    Column("stale_ms", BigInteger, nullable=False),
    Column("confirm_after", Integer, nullable=False),
    Column("title", Text, nullable=False),
)

# Heartbeats, compacted: from the first to the last of a stretch without a gap.
lives = Table(
    "lives",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("writer", ForeignKey("writers.id"), nullable=False),
    Column("first_ms", BigInteger, nullable=False),
    Column("last_ms", BigInteger, nullable=False),
    Column("stopped_ms", BigInteger),
)

sample_runs = Table(
    "sample_runs",
    metadata,
    Column("serial", Text, primary_key=True),
    Column("first_s", BigInteger, primary_key=True, autoincrement=False),
    Column("last_s", BigInteger, nullable=False),
    Column("period_s", Integer, nullable=False),
    Column("state", Text, nullable=False),
)

memory = Table(
    "memory",
    metadata,
    Column("probe", ForeignKey("probes.id"), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

schedule_events = Table(
    "schedule_events",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("probe", ForeignKey("probes.id"), nullable=False),
    Column("location", ForeignKey("locations.id"), nullable=False),
    Column("scheduled_ms", BigInteger, nullable=False),
    Column("event", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("late_ms", BigInteger, nullable=False),
)

# What was spent of an allowance: counted before it is spent, and never less.
allowances = Table(
    "allowances",
    metadata,
    Column("probe", ForeignKey("probes.id"), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("spent", BigInteger, nullable=False),
)

# A number is never given twice, also not after the newest messages were deleted: whoever waits asks for greater ones.
inbound_messages = Table(
    "inbound_messages",
    metadata,
    Column("number", BigKey, primary_key=True),
    Column("channel", Text, nullable=False),
    Column("received_ms", BigInteger, nullable=False),
    Column("unique_key", Text),
    Column("content", LargeBinary, nullable=False),
    UniqueConstraint("channel", "unique_key", name="inbound_messages_once"),
    Index("inbound_messages_by_channel", "channel", "number"),
    sqlite_autoincrement=True,
)

pictures = Table(
    "pictures",
    metadata,
    Column("result_id", BigKey, ForeignKey("results.id"), primary_key=True, autoincrement=False),
    Column("name", Text, primary_key=True),
    Column("media_type", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
)

meta = Table("meta", metadata, Column("key", Text, primary_key=True), Column("value", BigInteger, nullable=False))

imports = Table(
    "imports",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("file_name", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("imported_ms", BigInteger, nullable=False),
)

# Declared stretches of time. Only ever appended to: a change is a row that names the one it replaces; a row that
# replaces another one and has no kind revokes it.
windows = Table(
    "windows",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("recorded_ms", BigInteger, nullable=False),
    Column("author", Text, nullable=False),
    Column("replaces", Integer),
    Column("kind", Text),
    Column("start_ms", BigInteger),
    Column("end_ms", BigInteger),
    Column("components", Text, nullable=False),  # keys, with commas between
    Column("announced_ms", BigInteger),
    Column("reason_class", Text),
    Column("approver", Text, nullable=False),
    Column("text", Text, nullable=False),
    sqlite_autoincrement=True,
)

# What was promised from an instant on; `content` is canonical JSON.
agreements = Table(
    "agreements",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("from_ms", BigInteger, nullable=False),
    Column("recorded_ms", BigInteger, nullable=False),
    Column("content", Text, nullable=False),
    sqlite_autoincrement=True,
)

# What people did about an outage.
clock_events = Table(
    "clock_events",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("outage", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("author", Text, nullable=False),
    Column("recorded_ms", BigInteger, nullable=False),
    Column("note", Text, nullable=False),
    Column("via", Text, nullable=False),
    sqlite_autoincrement=True,
)

# The public halves of the keys that seals are signed with. A new one is signed with the one before it.
seal_keys = Table(
    "seal_keys",
    metadata,
    Column("fingerprint", Text, primary_key=True),
    Column("public_key", LargeBinary, nullable=False),
    Column("made_ms", BigInteger, nullable=False),
    Column("previous", Text),
    Column("signature", LargeBinary),
)

# `header` is the canonical text that is digested and signed; `leaves` has a few bytes of each row's own digest, so that
# the first row that differs can be named.
seals = Table(
    "seals",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("sealed_ms", BigInteger, nullable=False),
    Column("digest", Text, nullable=False),
    Column("key", ForeignKey("seal_keys.fingerprint"), nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("header", LargeBinary, nullable=False),
    Column("leaves", LargeBinary, nullable=False),
)

# Raw results that were deleted for their age: those with ids up to `last_id` of a writer that began before `before_ms`.
prunings = Table(
    "prunings",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("pruned_ms", BigInteger, nullable=False),
    Column("before_ms", BigInteger, nullable=False),
    Column("content", Text, nullable=False),  # canonical JSON: how many rows, and which ids, by writer
    sqlite_autoincrement=True,
)
